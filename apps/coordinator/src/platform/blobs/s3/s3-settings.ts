import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { ReleasingHttpAgent, ReleasingHttpsAgent } from './releasing-agents.js';

/** Where the blobs lie in S3. Credentials are found as the AWS SDK finds them: environment, profile, role. */
export const s3SettingsSchema = z.object({
  bucket: z.string().min(3),
  /** Before every key; empty, or ending in a slash. */
  prefix: z.string(),
  region: z.string().min(1),
  /** Undefined: Amazon's for the region. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
});
export type S3Settings = z.infer<typeof s3SettingsSchema>;

/** Of one thread: downloads to many sites, and updates that are read for a round, hold one each. */
export const MAX_CONNECTIONS = 256;
const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 60_000;
const MAX_ATTEMPTS = 4;

/** How the client of the AWS SDK is set up; the credentials are the SDK's own to find. */
export function s3ClientConfig({ region, endpoint }: S3Settings): S3ClientConfig {
  const agent = { maxSockets: MAX_CONNECTIONS, keepAlive: true };
  return {
    region,
    // Servers other than Amazon's rarely answer to a host name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: MAX_ATTEMPTS,
    // Blobs are named by their SHA-256 already, and not every server knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      httpAgent: new ReleasingHttpAgent(agent),
      httpsAgent: new ReleasingHttpsAgent(agent),
    },
  };
}
