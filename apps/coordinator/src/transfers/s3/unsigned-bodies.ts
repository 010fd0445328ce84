import type { S3Client } from '@aws-sdk/client-s3';

/**
 * Lets a client sign its requests without the hash of their bodies, which takes as long as sending them. For what is hashed when
 * it is whole.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (UNSIGNED-PAYLOAD)
 */
export function leaveBodiesUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      if (hasHeaders(args.request)) args.request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { name: 'leaveBodiesUnsigned', step: 'build' },
  );
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}
