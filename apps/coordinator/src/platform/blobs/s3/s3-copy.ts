import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

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
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  try {
    const parts: CompletedPart[] = [];
    for (let begin = 0; begin < sizeBytes; begin += partBytes) {
      const range = `bytes=${begin}-${Math.min(begin + partBytes, sizeBytes) - 1}`;
      const part = { ...target, UploadId, PartNumber: parts.length + 1 };
      const copy = new UploadPartCopyCommand({ ...part, CopySource: source, CopySourceRange: range });
      const { CopyPartResult } = await client.send(copy);
      parts.push({ PartNumber: part.PartNumber, ETag: CopyPartResult?.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}
