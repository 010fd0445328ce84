import { open, readFile } from 'node:fs/promises';
import {
  jsonOrUndefined,
  assignmentIdSchema,
  runIdSchema,
  sha256Schema,
  type AssignmentOffer,
  type ReportFile,
} from '@tributary/protocol';
import { z } from 'zod';
import { asDiskFull } from '../../durable-files/write-file-atomically.js';

/** One thing that left, or is about to leave, the site. */
export const ledgerEntrySchema = z.object({
  at: z.iso.datetime(),
  runId: runIdSchema,
  assignmentId: assignmentIdSchema,
  round: z.int(),
  kind: z.enum(['train', 'evaluate']),
  /** Images that the result was computed from. */
  images: z.int(),
  steps: z.int(),
  sha256: sha256Schema,
  sizeBytes: z.int(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** The entry for a result, from its report. */
export function ledgerEntry(offer: AssignmentOffer, { report, sha256, sizeBytes }: ReportFile, now: Date): LedgerEntry {
  const { runId, assignmentId, round, kind } = offer;
  const images = report.kind === 'train' ? report.images : report.heldOutImages;
  const steps = report.kind === 'train' ? report.steps : 0;
  return { at: now.toISOString(), runId, assignmentId, round, kind, images, steps, sha256, sizeBytes };
}

/** The site's append-only account of what was sent. An entry is on the disk before its first byte leaves. */
export class Ledger {
  private known: Map<string, LedgerEntry> | undefined;

  constructor(private readonly path: string) {}

  /** Appends an entry; the same result a second time (a resumed upload) adds nothing. */
  async record(entry: LedgerEntry): Promise<void> {
    this.known ??= new Map((await this.entries()).map((known) => [known.assignmentId, known]));
    if (this.known.get(entry.assignmentId)?.sha256 === entry.sha256) return;
    const file = await open(this.path, 'a', 0o640);
    try {
      // A line break first: the line before may have been torn by a crash.
      await file.appendFile(`\n${JSON.stringify(entry)}\n`);
      await file.datasync();
    } catch (error) {
      throw asDiskFull(error);
    } finally {
      await file.close();
    }
    this.known.set(entry.assignmentId, entry);
  }

  /** Every entry, oldest first. A torn last line was never followed by a send and is left out. */
  async entries(): Promise<LedgerEntry[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      const entry = ledgerEntrySchema.safeParse(jsonOrUndefined(line));
      return entry.success ? [entry.data] : [];
    });
  }
}
