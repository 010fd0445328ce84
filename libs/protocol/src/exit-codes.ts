import type { ErrorCode } from './errors.js';

/** How every command of Tributary ends; docs/ref-command-line.md lists them. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  badInput: 2,
  refused: 3,
  notAuthorised: 4,
  unreachable: 5,
  interrupted: 130,
} as const;

const ENDINGS: Partial<Record<ErrorCode, keyof typeof EXIT_CODES>> = {
  USAGE_INVALID: 'badInput',
  OUTPUT_NOT_OURS: 'badInput',
  INPUT_FILE_INVALID: 'badInput',
  REQUEST_INVALID: 'badInput',
  RECIPE_INVALID: 'badInput',
  RECIPE_INCOMPATIBLE: 'badInput',
  RECIPE_STUDY_MISMATCH: 'badInput',
  CONFIG_INVALID: 'badInput',
  POLICY_INVALID: 'badInput',
  ROUND_DEADLINE_PAST: 'badInput',
  QUORUM_LARGER_THAN_STUDY: 'badInput',
  SAMPLER_INCOMPATIBLE: 'badInput',
  MODEL_INVALID: 'badInput',
  START_MODEL_UNFIT: 'badInput',
  EMA_WIDTH_UNREACHABLE: 'badInput',
  SAFETENSORS_INVALID: 'badInput',
  DATA_EMPTY: 'badInput',
  DATA_BAD_FILES: 'badInput',
  DATA_LABELS_INVALID: 'badInput',
  DATA_UNKNOWN_CLASS: 'badInput',
  DATA_ALL_IN_ONE_SPLIT: 'badInput',
  POLICY_DECLINED: 'refused',
  RECIPE_NOT_APPROVED: 'refused',
  SITE_FINGERPRINT_MISMATCH: 'refused',
  AUTH_MISSING: 'notAuthorised',
  AUTH_INVALID: 'notAuthorised',
  AUTH_EXPIRED: 'notAuthorised',
  AUTH_FORBIDDEN: 'notAuthorised',
  AUTH_CLOCK_SKEW: 'notAuthorised',
  ENROL_TOKEN_INVALID: 'notAuthorised',
  ENROL_TOKEN_USED: 'notAuthorised',
  ENROL_TOKEN_EXPIRED: 'notAuthorised',
  ENROL_KEY_INVALID: 'notAuthorised',
  SITE_NOT_APPROVED: 'notAuthorised',
  SITE_REVOKED: 'notAuthorised',
  COORDINATOR_UNREACHABLE: 'unreachable',
  DATABASE_UNREACHABLE: 'unreachable',
  BLOB_STORE_UNREACHABLE: 'unreachable',
  SERVICE_NOT_READY: 'unreachable',
  INTERRUPTED: 'interrupted',
};

/** The exit code of a command that ended with this error; `failed` for every code without one of its own. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[ENDINGS[code] ?? 'failed'];
}
