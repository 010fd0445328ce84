import { z } from 'zod';
import { lineageSchema, type Lineage } from './http.js';
import { readDocument, type RecordedDocument } from './recorded-document.js';

const writerSchema = z.object({ writtenBy: z.string().nullable() }).catch({ writtenBy: null });

/**
 * What a lineage says to this version; its signature, which covers the document, is checked before.
 *
 * @throws TributaryError DOCUMENT_UNREADABLE when this version does not accept it.
 */
export function readLineage(document: RecordedDocument): Lineage {
  const { writtenBy } = writerSchema.parse(document);
  return readDocument(lineageSchema, document, { kind: 'lineage', writtenBy });
}
