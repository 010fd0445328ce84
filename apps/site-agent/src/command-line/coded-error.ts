import { TributaryError } from '@tributary/protocol';
import { errnoOf } from '../durable-files/errno.js';
import { asDiskFull } from '../durable-files/write-file-atomically.js';

const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

/** What a command ends with, as an error of the catalogue: a person never sees a stack. */
export function asCodedError(error: unknown): TributaryError {
  const known = asDiskFull(error);
  if (known instanceof TributaryError) return known;
  const code = errnoOf(error) ?? '';
  if (NOT_WRITABLE.has(code)) return new TributaryError('DATA_DIR_NOT_WRITABLE', { detail: code }, { cause: error });
  return new TributaryError('INTERNAL', {}, { cause: error });
}
