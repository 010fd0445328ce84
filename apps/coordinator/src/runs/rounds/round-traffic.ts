import { CONTROL_VECTOR, createStrategy } from '@tributary/federation';
import { parameterCount } from '@tributary/protocol/manifest';
import type { Assignment } from '../assignments/assignment.repository.js';
import type { RoundWithAssignments } from './round.repository.js';
import type { Run } from '../run.repository.js';

const FLOAT_BYTES = 4;
/** An evaluation compares the first model with the last. */
const EVALUATED_MODELS = 2;

/** Bytes between the coordinator and the sites whose answers a round counts, beside what whole models would be. */
export interface RoundTraffic {
  /** Of the updates. */
  readonly bytesUp: number;
  /** The same updates without compression and partial exchange: every vector of the strategy, float32; 0 for an evaluation. */
  readonly plainBytesUp: number;
  /** Sent to these sites for the round, what was sent twice included. */
  readonly bytesDown: number;
  /** What they would have fetched without an earlier version: whole files, float32. */
  readonly plainBytesDown: number;
}

/** The traffic of a round's received assignments; of a round that is open, so far. */
export function roundTraffic(
  run: Pick<Run, 'recipe' | 'manifest' | 'sites'>,
  { kind, assignments }: Pick<RoundWithAssignments, 'kind' | 'assignments'>,
): RoundTraffic {
  const counted = assignments.filter(({ state }) => state === 'received');
  const vectorBytes = parameterCount(run.manifest ?? []) * FLOAT_BYTES;
  const { updateVectors, serverOptimiser } = createStrategy(run.recipe.strategy, run.sites.length);
  const sendsControl = serverOptimiser.stateVectors.some(({ name }) => name === CONTROL_VECTOR);
  const fetchedVectors = ({ baseVersion }: Assignment): number =>
    kind === 'evaluate' ? EVALUATED_MODELS : sendsControl && baseVersion > 0 ? 2 : 1;
  return {
    bytesUp: sum(counted.map(({ bytes }) => bytes ?? 0)),
    plainBytesUp: kind === 'train' ? counted.length * updateVectors.length * vectorBytes : 0,
    bytesDown: sum(counted.map(({ bytesDown }) => bytesDown)),
    plainBytesDown: sum(counted.map(fetchedVectors)) * vectorBytes,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
