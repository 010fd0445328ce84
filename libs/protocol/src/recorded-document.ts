import { z } from 'zod';
import { canonicalJson } from './canonical-json.js';
import { TributaryError } from './errors.js';
import { fieldProblems } from './problem.js';
import { SOFTWARE_VERSION } from './software-version.js';

/**
 * A JSON object as it was received or stored, before any schema read it. Hashes and signatures cover only such documents:
 * what a schema gives back has the defaults of this version and lacks what this version does not know, so its bytes change
 * from version to version. The brand keeps parsed values out.
 */
export const recordedDocumentSchema = z.looseObject({}).brand<'RecordedDocument'>();
export type RecordedDocument = z.infer<typeof recordedDocumentSchema>;

/**
 * A value as the JSON that it is from now on, whatever later versions would fill in.
 *
 * @throws TypeError for values that JSON cannot carry.
 */
export function recordDocument(value: object): RecordedDocument {
  return recordedDocumentSchema.parse(JSON.parse(canonicalJson(value)));
}

/** What hashes and signatures of a document cover: the UTF-8 of its canonical JSON. */
export function coveredBytes(document: RecordedDocument): Uint8Array {
  return new TextEncoder().encode(canonicalJson(document));
}

/** What a document is and which version recorded it; null for those from before versions were recorded. */
export interface DocumentOrigin {
  readonly kind: 'recipe' | 'lineage';
  readonly writtenBy: string | null;
}

/**
 * Reads a document with this version's schema; its hash or signature is checked before.
 *
 * @throws TributaryError DOCUMENT_UNREADABLE, which names the version that wrote it and what this one does not accept.
 */
export function readDocument<S extends z.ZodType>(
  schema: S,
  document: RecordedDocument,
  { kind, writtenBy }: DocumentOrigin,
): z.infer<S> {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const fields = fieldProblems(parsed.error);
  const writer = writtenBy === null ? 'by a version that did not record which' : `by version ${writtenBy}`;
  const [first] = fields;
  const fault = first === undefined ? '' : `; ${first.path}: ${first.expected}`;
  const detail = `a ${kind} written ${writer}, this is ${SOFTWARE_VERSION}${fault}`;
  throw new TributaryError('DOCUMENT_UNREADABLE', { detail, fields });
}
