import { TributaryError } from '@tributary/protocol/errors';
import { runIdSchema } from '@tributary/protocol/identifiers';

export interface ModelReference {
  readonly runId: string;
  /** Null: the run's release. */
  readonly round: number | null;
}

/** Whether a text names a run or a version, not a folder or anything else. */
export function isModelReference(text: string): boolean {
  const [runId = '', round, ...rest] = text.split('/');
  const isRound = round === undefined || /^\d{1,6}$/.test(round);
  return runIdSchema.safeParse(runId).success && isRound && rest.length === 0;
}

/**
 * Reads `RUN` or `RUN/ROUND`.
 *
 * @throws TributaryError USAGE_INVALID for anything else.
 */
export function modelReferenceOf(text: string): ModelReference {
  const [runId = '', round] = text.split('/');
  if (!isModelReference(text)) {
    const fields = [{ path: 'ref', expected: 'a run such as run-4f3a9c1d, or a version such as run-4f3a9c1d/20' }];
    throw new TributaryError('USAGE_INVALID', { detail: 'not a model reference', fields });
  }
  return { runId, round: round === undefined ? null : Number(round) };
}
