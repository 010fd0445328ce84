import { resolve } from 'node:path';
import { parseOrThrow } from '@tributary/protocol';
import { z } from 'zod';
import { s3SettingsSchema, type S3Settings } from '../blobs/s3/s3-settings.js';

const seconds = (fallback: number) => z.coerce.number().positive().default(fallback);

const { bucket, prefix, region, endpoint } = s3SettingsSchema.shape;

const environmentSchema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  TRIBUTARY_BLOB_DIR: z.string().min(1).optional(),
  TRIBUTARY_S3_BUCKET: bucket.optional(),
  TRIBUTARY_S3_PREFIX: prefix.regex(/^([^/]+\/)*$/, 'names that each end in a slash').default(''),
  TRIBUTARY_S3_REGION: region.default('us-east-1'),
  TRIBUTARY_S3_ENDPOINT: endpoint,
  TRIBUTARY_SECRETS_DIR: z.string().min(1).optional(),
  TRIBUTARY_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  TRIBUTARY_LOG_FILE: z.enum(['true', 'false']).default('false'),
  TRIBUTARY_ACCESS_TOKEN_SECONDS: seconds(900),
  TRIBUTARY_INVITATION_SECONDS: seconds(72 * 3600),
  TRIBUTARY_APPROVAL_WINDOW_SECONDS: seconds(24 * 3600),
  TRIBUTARY_SWEEP_SECONDS: seconds(2),
  TRIBUTARY_ABANDONED_SECONDS: seconds(24 * 3600),
  TRIBUTARY_MAX_UPLOAD_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(16 * 1024 ** 3),
  TRIBUTARY_DISK_RESERVE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(256 * 1024 ** 2),
});

const flagsSchema = z.object({
  dataDir: z.string().min(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.coerce.number().int().min(0).max(65_535).default(7420),
});
export type CoordinatorFlags = z.input<typeof flagsSchema>;

/** Everything that can be set, read once at the start. */
export interface CoordinatorConfig {
  readonly dataDir: string;
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  /** PostgreSQL; undefined: the embedded database in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Keys that replicas share. */
  readonly secretsDir: string;
  /** Folder of the blobs, when they do not lie in S3. */
  readonly blobDir: string;
  /** Undefined: the blobs lie in a folder. */
  readonly s3: S3Settings | undefined;
  readonly log: { readonly level: string; readonly toFile: boolean };
  readonly accessTokenSeconds: number;
  readonly invitationSeconds: number;
  /** How long sites have to answer a recipe before the run starts without them (or fails). */
  readonly approvalWindowSeconds: number;
  /** How often every live run is examined again, whatever was or was not notified. */
  readonly sweepSeconds: number;
  /** Age from which half-made files, uploads that nobody goes on with and files that no row names are removed. */
  readonly abandonedAfterSeconds: number;
  readonly maxUploadBytes: number;
  /** Disk space where the blobs lie that rounds leave free. */
  readonly diskReserveBytes: number;
}

/**
 * Flags and environment, checked whole.
 *
 * @throws TributaryError CONFIG_INVALID that names each wrong setting, never its value.
 */
export function readConfig(flags: CoordinatorFlags, environment: NodeJS.ProcessEnv): CoordinatorConfig {
  const { dataDir, host, port } = parseOrThrow(flagsSchema, flags, 'CONFIG_INVALID');
  const settings = parseOrThrow(environmentSchema, environment, 'CONFIG_INVALID');
  return Object.freeze({
    dataDir: resolve(dataDir),
    host,
    port,
    databaseUrl: settings.DATABASE_URL,
    secretsDir: resolve(settings.TRIBUTARY_SECRETS_DIR ?? resolve(dataDir, 'secrets')),
    blobDir: resolve(settings.TRIBUTARY_BLOB_DIR ?? resolve(dataDir, 'blobs')),
    s3: s3Of(settings),
    log: { level: settings.TRIBUTARY_LOG_LEVEL, toFile: settings.TRIBUTARY_LOG_FILE === 'true' },
    accessTokenSeconds: settings.TRIBUTARY_ACCESS_TOKEN_SECONDS,
    invitationSeconds: settings.TRIBUTARY_INVITATION_SECONDS,
    approvalWindowSeconds: settings.TRIBUTARY_APPROVAL_WINDOW_SECONDS,
    sweepSeconds: settings.TRIBUTARY_SWEEP_SECONDS,
    abandonedAfterSeconds: settings.TRIBUTARY_ABANDONED_SECONDS,
    maxUploadBytes: settings.TRIBUTARY_MAX_UPLOAD_BYTES,
    diskReserveBytes: settings.TRIBUTARY_DISK_RESERVE_BYTES,
  });
}

function s3Of(settings: z.infer<typeof environmentSchema>): S3Settings | undefined {
  if (settings.TRIBUTARY_S3_BUCKET === undefined) return undefined;
  return {
    bucket: settings.TRIBUTARY_S3_BUCKET,
    prefix: settings.TRIBUTARY_S3_PREFIX,
    region: settings.TRIBUTARY_S3_REGION,
    endpoint: settings.TRIBUTARY_S3_ENDPOINT,
  };
}
