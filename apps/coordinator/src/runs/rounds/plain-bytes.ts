import { createStrategy } from '@tributary/federation';
import { parameterCount } from '@tributary/protocol/manifest';
import type { RoundWithAssignments } from './round.repository.js';
import type { Run } from '../run.repository.js';

const FLOAT_BYTES = 4;

/**
 * Bytes of numbers that a training round's counted updates would have without compression and partial exchange: every
 * vector of the strategy, the whole model, float32. 0 for an evaluation.
 */
export function plainBytesUp(
  { recipe, manifest, sites }: Pick<Run, 'recipe' | 'manifest' | 'sites'>,
  { kind, assignments }: Pick<RoundWithAssignments, 'kind' | 'assignments'>,
): number {
  if (kind !== 'train' || manifest === null) return 0;
  const vectors = createStrategy(recipe.strategy, sites.length).updateVectors.length;
  const counted = assignments.filter(({ state }) => state === 'received').length;
  return counted * vectors * parameterCount(manifest) * FLOAT_BYTES;
}
