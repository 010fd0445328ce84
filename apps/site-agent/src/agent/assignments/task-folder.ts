import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  REPORT_FILE,
  reportFileSchema,
  TASK_FILE,
  type AssignmentOffer,
  type BlobRef,
  type ReportFile,
  type TaskFile,
} from '@tributary/protocol';
import { readJson } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';

const WEIGHTS_FILE = 'global.safetensors';
/** The only file of a task that is no model. */
export const CONTROL_FILE = 'control.safetensors';
const BEFORE_FILE = 'before.safetensors';
const AFTER_FILE = 'after.safetensors';

/** The blobs that a task needs, by their file name in its folder. */
export function taskBlobs(offer: AssignmentOffer): readonly (readonly [file: string, blob: BlobRef])[] {
  if (offer.kind === 'evaluate') {
    return [
      [BEFORE_FILE, offer.before],
      [AFTER_FILE, offer.after],
    ];
  }
  const weights = [WEIGHTS_FILE, offer.weights] as const;
  return offer.control === undefined ? [weights] : [weights, [CONTROL_FILE, offer.control]];
}

/** Writes `task.json`. It can be made again from the assignment's record, so it need not survive a power cut. */
export async function writeTask(folder: string, offer: AssignmentOffer): Promise<void> {
  const { assignmentId, round, countedRound } = offer;
  const part = { assignmentId, round, countedRound };
  const task: TaskFile =
    offer.kind === 'train'
      ? { ...part, kind: 'train', weightsFile: WEIGHTS_FILE, controlFile: offer.control && CONTROL_FILE }
      : { ...part, kind: 'evaluate', beforeFile: BEFORE_FILE, afterFile: AFTER_FILE };
  await mkdir(folder, { recursive: true });
  await writeFileAtomically(join(folder, TASK_FILE), JSON.stringify(task), { durable: false });
}

/** The report of a finished task, or undefined: the trainer writes it last, so where it is the result is whole. */
export function readReport(folder: string): Promise<ReportFile | undefined> {
  return readJson(join(folder, REPORT_FILE), reportFileSchema, 'TRAINER_TASK_INVALID');
}
