import { describe, expect, it } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol';
import { strategySchema } from '@tributary/protocol';
import { buildRecipe } from '../../../../../test/factories/recipe.js';
import { buildAssignment } from './round.spec-support.js';
import { roundTraffic } from './round-traffic.js';

const MODEL_BYTES = 4 * 10;

function trafficOf(strategy: RecipeInput['strategy'], kind: 'train' | 'evaluate', baseVersion = 1) {
  const recipe = { ...buildRecipe(), strategy: strategySchema.parse(strategy) };
  const run = { recipe, manifest: [{ name: 'conv_in.weight', shape: [2, 5] }], sites: ['a', 'b', 'c'] };
  const assignments = [
    buildAssignment('received', { siteId: 'a', bytes: 7, bytesDown: 30, baseVersion }),
    buildAssignment('received', { siteId: 'b', bytes: 8, bytesDown: 41, baseVersion }),
    buildAssignment('expired', { siteId: 'c', bytesDown: 5, baseVersion }),
  ];
  return roundTraffic(run, { kind, assignments });
}

describe('the traffic of a round', () => {
  it('is that of the sites that answered, beside one model each way', () => {
    expect(trafficOf({ kind: 'fedavg' }, 'train')).toEqual({
      bytesUp: 15,
      plainBytesUp: 2 * MODEL_BYTES,
      bytesDown: 71,
      plainBytesDown: 2 * MODEL_BYTES,
    });
  });

  it('counts the control variates of SCAFFOLD, which sites are sent from the second round on', () => {
    const twoEach = 2 * 2 * MODEL_BYTES;
    expect(trafficOf({ kind: 'scaffold' }, 'train', 0)).toMatchObject({
      plainBytesUp: twoEach,
      plainBytesDown: twoEach / 2,
    });
    expect(trafficOf({ kind: 'scaffold' }, 'train', 1)).toMatchObject({
      plainBytesUp: twoEach,
      plainBytesDown: twoEach,
    });
  });

  it('is two models for each site that evaluates', () => {
    expect(trafficOf({ kind: 'scaffold' }, 'evaluate')).toMatchObject({
      plainBytesUp: 0,
      plainBytesDown: 2 * 2 * MODEL_BYTES,
    });
  });
});
