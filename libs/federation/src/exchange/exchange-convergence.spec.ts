import { describe, expect, it } from '@jest/globals';
import { federationSchema } from '@tributary/protocol/federation';
import { coveredRanges } from '../aggregation/coverage.js';
import { createStrategy } from '../strategies/create-strategy.js';
import { aggregateInMemory, initialModel } from '../strategies/federated-quadratic.spec-support.js';
import { strategyOptionsSchema } from '../strategies/strategy-options.js';
import { adoptGlobal } from './exchanged-vector.js';
import { exchangedParameters, sharedParameters, type Exchange } from './partial-exchange.js';

/** A model of one number a part; `norm` stands for a scanner's style. Sites agree on all but the style. */
const manifest = [
  { name: 'conv_in.weight', shape: [1] },
  { name: 'mid_block.resnets.0.conv1.weight', shape: [1] },
  { name: 'up_blocks.0.resnets.0.norm1.weight', shape: [1] },
  { name: 'up_blocks.1.resnets.0.conv1.weight', shape: [1] },
];
const OPTIMA = [
  [1, 2, -3, 4],
  [1, 2, 3, 4],
];

/** Loss of every site's own model after training: the squared distance to its optimum. */
function losses(exchange: Exchange, rounds = 200): number[] {
  const strategy = createStrategy(strategyOptionsSchema.parse({ kind: 'fedavg' }), 1);
  let model = initialModel(strategy, new Float32Array(4));
  let own = OPTIMA.map(() => new Float32Array(4));
  const shared = sharedParameters(manifest, exchange);
  const adopt = () => own.map((weights) => adoptGlobal(weights, model.weights, { manifest, shared }));
  for (let roundIndex = 0; roundIndex < rounds; roundIndex++) {
    const before = adopt();
    own = before.map((weights, k) => weights.map((x, i) => x + 0.2 * ((OPTIMA[k]?.[i] ?? NaN) - x)));
    const sent = OPTIMA.map((_, siteIndex) => exchangedParameters(manifest, exchange, { siteIndex, roundIndex }));
    model = aggregateInMemory(model, {
      strategy,
      sites: OPTIMA.map((_, k) => ({ siteId: `s${k}`, images: 1, localSteps: 1, staleness: 0 })),
      updates: [own.map((weights, k) => weights.map((x, i) => x - (before[k]?.[i] ?? NaN)))],
      covered: sent.map((parameters) => coveredRanges(manifest, { parameters })),
    });
  }
  return adopt().map((weights, k) => weights.reduce((sum, x, i) => sum + (x - (OPTIMA[k]?.[i] ?? NaN)) ** 2, 0));
}

describe('what each exchange is for', () => {
  it('full exchange averages away what tells the sites apart', () => {
    // The styles -3 and 3 meet at 0: a loss of 9 each.
    for (const loss of losses(federationSchema.parse({}))) expect(loss).toBeCloseTo(9, 3);
  });

  it('local norms keep each style and share the rest (FedBN)', () => {
    for (const loss of losses(federationSchema.parse({ localParameters: ['norms'] }))) expect(loss).toBeLessThan(1e-6);
  });

  it.each(['usplit', 'udec', 'ulatdec'] as const)('%s still trains every part', (scheme) => {
    for (const loss of losses(federationSchema.parse({ exchange: scheme, localParameters: ['norms'] })))
      expect(loss).toBeLessThan(1e-6);
  });
});
