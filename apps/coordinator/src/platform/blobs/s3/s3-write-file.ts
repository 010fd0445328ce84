import { PutObjectCommand, UploadPartCommand, type S3Client } from '@aws-sdk/client-s3';
import { openFileBytes } from '@tributary/federation/vectors/byte-source';
import type { PartBuffers } from './part-buffers.js';
import { LEAST_PART_BYTES, MOST_PARTS, writeInParts, type ObjectPlace } from './s3-parts.js';

/** Parts of one file that are under way: one is read while the other travels. */
const LANES = 2;

export interface FileToWrite {
  readonly path: string;
  readonly buffers: PartBuffers;
}

/** Writes a file of this machine into an object, a large one in parts. */
export async function writeFileToObject(
  client: S3Client,
  target: ObjectPlace,
  { path, buffers }: FileToWrite,
): Promise<void> {
  const file = await openFileBytes(path);
  try {
    const { sizeBytes } = file;
    const partBytes = Math.max(LEAST_PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS));
    const withPart = <T>(index: number, send: (part: Buffer) => Promise<T>): Promise<T> =>
      buffers.use(Math.min(partBytes, sizeBytes - index * partBytes), async (buffer) => {
        await file.read(index * partBytes, buffer);
        return send(buffer);
      });
    if (sizeBytes <= partBytes) {
      await withPart(0, (Body) => client.send(new PutObjectCommand({ ...target, Body })));
      return;
    }
    await writeInParts(client, target, {
      count: Math.ceil(sizeBytes / partBytes),
      atOnce: LANES,
      send: ({ PartNumber, ...place }) =>
        withPart(PartNumber - 1, async (Body) => {
          const { ETag } = await client.send(new UploadPartCommand({ ...place, PartNumber, Body }));
          return ETag;
        }),
    });
  } finally {
    await file.close();
  }
}
