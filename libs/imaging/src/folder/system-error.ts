/** The code of an error of the file system or of zlib (`ENOENT`, `Z_BUF_ERROR`, …); undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
