import { PutObjectCommand, UploadPartCommand, type S3Client } from '@aws-sdk/client-s3';
import { openFileBytes } from '@tributary/federation';
import { writeInParts, type ObjectPlace } from './s3-parts.js';

/** The least that S3 takes as a part, but for the last. */
const LEAST_PART_BYTES = 5 * 1024 ** 2;
const MOST_PARTS = 10_000;
/** Each has a part's memory of its own: one is read while the other travels. */
const LANES = 2;

/** Writes a file of this machine into an object, a large one in parts; memory is two parts. */
export async function writeFileToObject(client: S3Client, target: ObjectPlace, path: string): Promise<void> {
  const file = await openFileBytes(path);
  try {
    const { sizeBytes } = file;
    const partBytes = Math.max(LEAST_PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS));
    const buffers = Array.from({ length: LANES }, () => Buffer.allocUnsafeSlow(Math.min(partBytes, sizeBytes)));
    const read = async (index: number, lane: number): Promise<Buffer | undefined> => {
      const buffer = buffers[lane];
      return buffer?.subarray(0, await file.read(index * partBytes, buffer));
    };
    if (sizeBytes <= partBytes) {
      await client.send(new PutObjectCommand({ ...target, Body: await read(0, 0) }));
      return;
    }
    await writeInParts(client, target, {
      count: Math.ceil(sizeBytes / partBytes),
      atOnce: LANES,
      send: async (place, lane) => {
        const Body = await read(place.PartNumber - 1, lane);
        return (await client.send(new UploadPartCommand({ ...place, Body }))).ETag;
      },
    });
  } finally {
    await file.close();
  }
}
