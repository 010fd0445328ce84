import type { IncomingHttpHeaders } from 'node:http';
import rangeParser from 'range-parser';
import type { ByteRange } from '../platform/blobs/blob-store.js';

/** What a request for a file is answered with. */
export type Download =
  | { readonly kind: 'outside' }
  | { readonly kind: 'unchanged'; readonly status: 304; readonly headers: Record<string, string> }
  | {
      readonly kind: 'bytes';
      readonly status: 200 | 206;
      readonly headers: Record<string, string>;
      /** Undefined: all of it. */
      readonly range: ByteRange | undefined;
    };

/**
 * Reads a request's conditions and range (RFC 9110, sections 13 and 14). The file never changes and its hash is its entity
 * tag. Several ranges at once, and ranges of other units, are answered
 * with the whole file, as the RFC allows.
 */
export function downloadOf(
  { 'if-none-match': ifNoneMatch, 'if-range': ifRange, range }: IncomingHttpHeaders,
  { sha256, sizeBytes }: { readonly sha256: string; readonly sizeBytes: number },
): Download {
  if (ifNoneMatch !== undefined && namesTag(ifNoneMatch, sha256))
    return { kind: 'unchanged', status: 304, headers: {} };
  const whole = { kind: 'bytes', status: 200, headers: bytesHeaders(sizeBytes), range: undefined } as const;
  if (range === undefined || !OF_BYTES.test(range) || (ifRange !== undefined && !namesTag(String(ifRange), sha256)))
    return whole;
  const ranges = rangeParser(sizeBytes, range);
  if (ranges === UNSATISFIABLE) return { kind: 'outside' };
  const [first, ...others] = ranges === MALFORMED ? [] : ranges;
  if (first === undefined || others.length > 0) return whole;
  const { start, end } = first;
  const headers = { ...bytesHeaders(end - start + 1), 'content-range': `bytes ${start}-${end}/${sizeBytes}` };
  return { kind: 'bytes', status: 206, headers, range: { begin: start, end: end + 1 } };
}

const OF_BYTES = /^bytes=/i;
/** What range-parser answers with instead of ranges. */
const UNSATISFIABLE = -1;
const MALFORMED = -2;

function bytesHeaders(sizeBytes: number): Record<string, string> {
  return { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) };
}

function namesTag(header: string, sha256: string): boolean {
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${sha256}"`);
}
