import { openFileBytes, releaseChunk, type ByteSource, type OpenBytes } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import type { S3Bucket } from './s3-bucket.js';
import { toStoreError } from './s3-errors.js';

const SCHEME = 's3:';
/** A connection may break in the middle of a window: the rest is asked for again. */
const MAX_ATTEMPTS = 4;

/** The address of an object for {@link openBlobBytes}. */
export function s3Address(key: string): string {
  return `${SCHEME}${key}`;
}

/** Opens what `BlobStore.addressOf` names: an object of the bucket, or a file. */
export function openBlobBytes(bucket: S3Bucket | null): OpenBytes {
  return (address) => {
    if (bucket === null || !address.startsWith(SCHEME)) return openFileBytes(address);
    return openObject(bucket, address.slice(SCHEME.length));
  };
}

/** An object that is read by ranges: memory is what the caller hands in. */
async function openObject(bucket: S3Bucket, key: string): Promise<ByteSource> {
  const sizeBytes = await bucket.sizeOf(key);
  if (sizeBytes === null) throw new TributaryError('NOT_FOUND', { detail: 'a blob is gone' });
  return {
    sizeBytes,
    read: async (position, bytes) => {
      const wanted = bytes.subarray(0, Math.max(0, sizeBytes - position));
      let done = 0;
      for (let attempt = 1; done < wanted.length && attempt <= MAX_ATTEMPTS; attempt++) {
        try {
          done += await fill(bucket, { key, position: position + done }, wanted.subarray(done));
        } catch (error) {
          if (attempt === MAX_ATTEMPTS) throw toStoreError(error);
        }
      }
      return done;
    },
    close: () => Promise.resolve(),
  };
}

async function fill(
  bucket: S3Bucket,
  { key, position }: { key: string; position: number },
  bytes: Uint8Array,
): Promise<number> {
  const body: AsyncIterable<Uint8Array> = await bucket.read(key, { begin: position, end: position + bytes.length });
  let done = 0;
  for await (const chunk of body) {
    bytes.set(chunk, done);
    done += chunk.length;
    releaseChunk(chunk);
  }
  return done;
}
