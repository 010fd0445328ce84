import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { REPORT_FILE, RESULT_FILE, type AssignmentReport, type ReportFile } from '@tributary/protocol';
import { writeFileAtomically } from '../durable-files/write-file-atomically.js';

/** What a receiver will find in the result's file. */
export type WrittenResult = Pick<ReportFile, 'sha256' | 'sizeBytes'>;

/** Writes `result.safetensors` from its bytes; on the disk when it returns. */
export async function writeResult(folder: string, bytes: Uint8Array): Promise<WrittenResult> {
  await writeFileAtomically(join(folder, RESULT_FILE), [bytes]);
  return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

/** Writes `report.json`, the last file of a task: where it is, the result is whole. */
export async function writeReport(folder: string, written: WrittenResult, report: AssignmentReport): Promise<void> {
  const file: ReportFile = { sha256: written.sha256, sizeBytes: written.sizeBytes, report };
  await writeFileAtomically(join(folder, REPORT_FILE), JSON.stringify(file));
}
