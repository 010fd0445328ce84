import { S3ServiceException } from '@aws-sdk/client-s3';
import { TributaryError } from '@tributary/protocol/errors';
import { errnoOf } from '../../errors/errno.js';

const NOT_FOUND = 404;
const ALREADY_THERE = [409, 412];
const REFUSED = [301, 400, 401, 403];
/** A connection that fails, or a certificate that is not trusted. */
const NETWORK_ERROR = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET|CERT_|ERR_TLS|DEPTH_|SELF_SIGNED|UNABLE_TO)/;

/** True when there is no object of that key. */
export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === NOT_FOUND;
}

/** True when an object that was to be new is there already, or is being written. */
export function alreadyExists(error: unknown): boolean {
  return error instanceof S3ServiceException && ALREADY_THERE.includes(error.$metadata.httpStatusCode ?? 0);
}

/**
 * What a failed request to the store means: BLOB_STORE_REFUSED when it answers but does not let us, BLOB_STORE_UNREACHABLE
 * when it does not answer or is in trouble itself. Everything else is as it was.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof TributaryError || !(error instanceof Error)) return error;
  if (error instanceof S3ServiceException) return serviceError(error);
  if (error.name === 'CredentialsProviderError') {
    return new TributaryError('BLOB_STORE_REFUSED', { detail: 'there are no credentials' }, { cause: error });
  }
  const detail = error.name === 'TimeoutError' ? error.name : errnoOf(error);
  if (detail === undefined || (detail !== error.name && !NETWORK_ERROR.test(detail))) return error;
  return new TributaryError('BLOB_STORE_UNREACHABLE', { detail }, { cause: error });
}

/** Runs a request to the store; its failures are coded. */
export async function coded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

function serviceError(error: S3ServiceException): TributaryError {
  const status = error.$metadata.httpStatusCode ?? 0;
  const isRefusal = REFUSED.includes(status) || error.name === 'NoSuchBucket';
  const detail = error.name === 'Unknown' || error.name === 'UnknownError' ? `HTTP ${status}` : error.name;
  return new TributaryError(isRefusal ? 'BLOB_STORE_REFUSED' : 'BLOB_STORE_UNREACHABLE', { detail }, { cause: error });
}
