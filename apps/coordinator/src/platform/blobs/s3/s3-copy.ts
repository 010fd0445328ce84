import { CopyObjectCommand, UploadPartCopyCommand, type S3Client } from '@aws-sdk/client-s3';
import { writeInParts } from './s3-parts.js';

/** S3 copies at most 5 GiB in one request. */
const MAX_PART_BYTES = 1024 ** 3;

export interface CopyPlace {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
}

/** Copies an object inside of its bucket, on the server; a large one in parts. */
export async function copyObject(
  client: S3Client,
  { bucket, from, to }: CopyPlace,
  { sizeBytes, partBytes = MAX_PART_BYTES }: { readonly sizeBytes: number; readonly partBytes?: number },
): Promise<void> {
  const source = `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
  const target = { Bucket: bucket, Key: to };
  if (sizeBytes <= partBytes) {
    await client.send(new CopyObjectCommand({ ...target, CopySource: source }));
    return;
  }
  await writeInParts(client, target, {
    count: Math.ceil(sizeBytes / partBytes),
    atOnce: 1,
    send: async (place) => {
      const begin = (place.PartNumber - 1) * partBytes;
      const range = `bytes=${begin}-${Math.min(begin + partBytes, sizeBytes) - 1}`;
      const copy = new UploadPartCopyCommand({ ...place, CopySource: source, CopySourceRange: range });
      return (await client.send(copy)).CopyPartResult?.ETag;
    },
  });
}
