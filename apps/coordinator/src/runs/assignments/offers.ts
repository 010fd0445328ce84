import type { AssignmentOffer } from '@tributary/protocol';
import type { Version } from '../../models/versions.service.js';
import { CONTROL_VECTOR } from '@tributary/federation';
import type { Assignment } from './assignment.repository.js';
import type { Round } from '../rounds/round.repository.js';
import type { Run } from '../run.repository.js';

/** The model versions that a round's assignments work with. */
export interface OfferedVersions {
  /** Train from its weights; evaluate its average. */
  readonly latest: Version;
  /** The untrained model, which an evaluation compares with. */
  readonly initial: Version;
}

/** What an offer tells beside the assignment itself. */
export interface OfferFacts {
  readonly run: Run;
  readonly round: Round;
  readonly versions: OfferedVersions;
  /** The last round that counts an update of the site; 0 before the first. */
  readonly countedRound: number;
}

/** What a site is told of its part in a round. */
export function offerOf(
  { run, round, versions, countedRound }: OfferFacts,
  assignment: Pick<Assignment, 'id' | 'baseVersion' | 'deadlineAt'>,
): AssignmentOffer {
  const offer = {
    assignmentId: assignment.id,
    runId: run.id,
    recipeSha256: run.recipeSha256,
    round: assignment.baseVersion + 1,
    attempt: round.attempt,
    countedRound,
    deadlineAt: assignment.deadlineAt.toISOString(),
    sites: [...run.sites],
  };
  const { weights, state } = versions.latest;
  return round.kind === 'train'
    ? { ...offer, kind: 'train', weights, control: state[CONTROL_VECTOR] }
    : { ...offer, kind: 'evaluate', before: versions.initial.ema, after: versions.latest.ema };
}
