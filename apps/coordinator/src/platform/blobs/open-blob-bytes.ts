import { openFileBytes, type OpenBytes } from '@tributary/federation/vectors/byte-source';
import { z } from 'zod';
import { s3SettingsSchema } from './s3/s3-settings.js';

/** What a thread that reads blobs is started with: where they lie, when it is not in files. */
export const blobSettingsSchema = z.object({ s3: s3SettingsSchema.optional() });
export type BlobSettings = z.infer<typeof blobSettingsSchema>;

/**
 * Opens what `BlobStore.addressOf` and `UploadStore.addressOf` name. The client of S3 takes memory: it is loaded where one is used.
 */
export async function blobBytesOpener({ s3 }: BlobSettings): Promise<OpenBytes> {
  if (s3 === undefined) return openFileBytes;
  const [{ S3Bucket }, { openBlobBytes }] = await Promise.all([
    import('./s3/s3-bucket.js'),
    import('./s3/s3-bytes.js'),
  ]);
  return openBlobBytes(new S3Bucket(s3));
}
