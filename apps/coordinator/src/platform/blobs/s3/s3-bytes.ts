import { openFileBytes, type OpenBytes } from '@tributary/federation/vectors/byte-source';
import { TributaryError } from '@tributary/protocol/errors';
import type { ObjectReads } from './object-stream.js';
import { MAX_CONNECTIONS } from './s3-settings.js';
import { StoredObject, StreamBudget } from './stored-object.js';

const SCHEME = 's3:';

/** The address of an object for {@link openBlobBytes}. */
export function s3Address(key: string): string {
  return `${SCHEME}${key}`;
}

/** Opens what `BlobStore.addressOf` names: an object of the bucket, or a file. */
export function openBlobBytes(bucket: ObjectReads | null): OpenBytes {
  // Were all connections held by streams that wait, whoever else needs one would wait for them.
  const budget = new StreamBudget(MAX_CONNECTIONS / 2);
  return async (address) => {
    if (bucket === null || !address.startsWith(SCHEME)) return openFileBytes(address);
    const key = address.slice(SCHEME.length);
    const sizeBytes = await bucket.sizeOf(key);
    if (sizeBytes === null) throw new TributaryError('NOT_FOUND', { detail: 'a blob is gone' });
    return new StoredObject({ bucket, key, sizeBytes, budget });
  };
}
