import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

/** The least that S3 takes as a part, but for the last. */
export const LEAST_PART_BYTES = 5 * 1024 ** 2;
export const MOST_PARTS = 10_000;

export interface ObjectPlace {
  readonly Bucket: string;
  readonly Key: string;
}

/** What names a part to the store. */
export interface PartPlace extends ObjectPlace {
  readonly UploadId: string | undefined;
  /** From 1 on. */
  readonly PartNumber: number;
}

export interface Parts {
  readonly count: number;
  /** Parts that are under way at a time. */
  readonly atOnce: number;
  /** Sends one part. @returns Its entity tag. */
  readonly send: (place: PartPlace) => Promise<string | undefined>;
}

/** Makes an object of its parts. When one fails, the others are given up and the store keeps nothing. */
export async function writeInParts(client: S3Client, target: ObjectPlace, parts: Parts): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  try {
    const Parts = await sendAll(parts, { ...target, UploadId });
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function sendAll(
  { count, atOnce, send }: Parts,
  upload: Omit<PartPlace, 'PartNumber'>,
): Promise<CompletedPart[]> {
  const sent: CompletedPart[] = [];
  let last = 0;
  const sendNext = async (): Promise<void> => {
    while (last < count) {
      const PartNumber = ++last;
      try {
        sent[PartNumber - 1] = { PartNumber, ETag: await send({ ...upload, PartNumber }) };
      } catch (error) {
        last = count;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, sendNext));
  const failed = lanes.find((lane) => lane.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return sent;
}
