import type { IncomingMessage } from 'node:http';
import { Metadata } from '@tus/server';
import {
  TributaryError,
  assignmentReportSchema,
  parseOrThrow,
  uploadMetadataSchema,
  type AssignmentReport,
} from '@tributary/protocol';
import { z } from 'zod';
import { OFFSET_TYPE, TUS_VERSION } from '@tributary/protocol/tus';

/** In a field, so that a refusal names the report's wrong fields as its own. */
const reportSchema = z.object({ report: assignmentReportSchema });

/** What a site announces of an upload. */
export interface AnnouncedUpload {
  readonly assignmentId: string;
  readonly sha256: string;
  readonly report: AssignmentReport;
}

/** @throws TributaryError UPLOAD_METADATA_INVALID that names the wrong fields. */
export function readAnnouncement(metadata: Record<string, string | null> | undefined): AnnouncedUpload {
  const { assignmentId, sha256, report } = parseOrThrow(
    uploadMetadataSchema,
    metadata ?? {},
    'UPLOAD_METADATA_INVALID',
  );
  return {
    assignmentId,
    sha256,
    ...parseOrThrow(reportSchema, { report: parseJson(report) }, 'UPLOAD_METADATA_INVALID'),
  };
}

/** @throws TributaryError UPLOAD_METADATA_INVALID that names the wrong fields. */
export function readCreation(request: IncomingMessage): { announced: AnnouncedUpload; sizeBytes: number } {
  const { sizeBytes, metadata } = readLengthAndMetadata(request);
  return { announced: readAnnouncement(metadata), sizeBytes };
}

/** What a creation request says of any upload. @throws TributaryError UPLOAD_METADATA_INVALID. */
export function readLengthAndMetadata({ headers }: IncomingMessage): {
  readonly sizeBytes: number;
  readonly metadata: Record<string, string | null>;
} {
  const sizeBytes = bytesOf(headers['upload-length']);
  if (sizeBytes === null || sizeBytes < 1) {
    throw new TributaryError('UPLOAD_METADATA_INVALID', { detail: 'Upload-Length: a positive number of bytes' });
  }
  return { sizeBytes, metadata: parseHeader(headers['upload-metadata']) };
}

/** @throws TributaryError REQUEST_INVALID for a request that speaks another version of tus, or none. */
export function assertVersion({ headers }: IncomingMessage): void {
  if (headers['tus-resumable'] === TUS_VERSION) return;
  throw new TributaryError('REQUEST_INVALID', { detail: `Tus-Resumable: ${TUS_VERSION}` });
}

/** @throws TributaryError REQUEST_TOO_LARGE. */
export function assertUploadSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  throw new TributaryError('REQUEST_TOO_LARGE', { detail: `an upload may have ${maxBytes} bytes`, maxBytes });
}

/** A header's number of bytes: decimal digits, and nothing that JavaScript would read as a number besides; null for all else. */
export function bytesOf(header: string | string[] | undefined): number | null {
  const bytes = typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : NaN;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Bytes that a request may hold in memory: the updates of a tiny model, of a thousand sites at once. */
const MOST_HELD_BYTES = 64 * 1024;

/** Whether a creation request brings all bytes, and so few that they need not be written down before they are checked. */
export function isWholeAndSmall({ headers }: IncomingMessage, sizeBytes: number): boolean {
  return (
    sizeBytes <= MOST_HELD_BYTES &&
    headers['content-length'] === String(sizeBytes) &&
    headers['content-type'] === OFFSET_TYPE &&
    headers['tus-resumable'] === TUS_VERSION
  );
}

/** All bytes of a request that {@link isWholeAndSmall}. @throws Error when the connection breaks before the last. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const body: AsyncIterable<Buffer> = request;
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseHeader(header: string | string[] | undefined): Record<string, string | null> {
  try {
    return Metadata.parse(String(header ?? ''));
  } catch (error) {
    throw new TributaryError(
      'UPLOAD_METADATA_INVALID',
      { detail: 'Upload-Metadata: pairs of a name and base64, with commas between' },
      { cause: error },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TributaryError('UPLOAD_METADATA_INVALID', { detail: 'report: not JSON' }, { cause: error });
  }
}
