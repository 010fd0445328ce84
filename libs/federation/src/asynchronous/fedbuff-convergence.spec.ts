import { describe, expect, it } from '@jest/globals';
import { createStrategy } from '../strategies/create-strategy.js';
import { aggregateInMemory, initialModel } from '../strategies/federated-quadratic.spec-support.js';
import { strategyOptionsSchema } from '../strategies/strategy-options.js';
import { emptyBuffer, receiveUpdate } from './update-buffer.js';

/** Sites with one optimum, 1, that need a different time for an update. */
const SITES = [
  { siteId: 'fast', ticks: 1 },
  { siteId: 'slow', ticks: 12 },
];
/** Distance to the optimum after so many ticks when a round waits for everyone and moves a tenth of the way. */
function synchronous(ticks: number): number {
  const slowest = Math.max(...SITES.map((site) => site.ticks));
  return 0.9 ** Math.floor(ticks / slowest);
}

interface AsynchronousRun {
  readonly ticks: number;
  readonly stalenessExponent: number;
  /** Share of the way to the optimum, from the weights it had, that an update goes. */
  readonly pull: number;
}

function asynchronous({ ticks, stalenessExponent, pull }: AsynchronousRun) {
  const strategy = createStrategy(strategyOptionsSchema.parse({ kind: 'fedbuff', stalenessExponent }), 1);
  let model = initialModel(strategy, Float32Array.of(0));
  let buffer = emptyBuffer();
  let stalest = 0;
  let farthest = 0;
  const working = SITES.map((site) => ({ ...site, from: model.weights, baseVersion: 0 }));
  const arrived = new Map<string, Float32Array>();
  for (let tick = 1; tick <= ticks; tick++) {
    for (const site of working) {
      if (tick % site.ticks !== 0) continue;
      const updateId = `${site.siteId}-${tick}`;
      arrived.set(
        updateId,
        site.from.map((x) => pull * (1 - x)),
      );
      const outcome = receiveUpdate(
        buffer,
        { updateId, siteId: site.siteId, baseVersion: site.baseVersion },
        { capacity: 2 },
      );
      buffer = outcome.buffer;
      const ready = outcome.kind === 'buffered' ? outcome.aggregate : undefined;
      if (ready) {
        stalest = Math.max(stalest, ...ready.map(({ staleness }) => staleness));
        const sites = ready.map((update) => ({
          siteId: update.updateId,
          images: 1,
          localSteps: 1,
          staleness: update.staleness,
        }));
        const updates = [ready.flatMap((update) => arrived.get(update.updateId) ?? [])];
        model = aggregateInMemory(model, { strategy, sites, updates });
        farthest = Math.max(farthest, model.weights[0] ?? NaN);
      }
      site.from = model.weights;
      site.baseVersion = buffer.version;
    }
  }
  return { error: Math.abs((model.weights[0] ?? NaN) - 1), stalest, overshoot: farthest - 1 };
}

describe('FedBuff', () => {
  it('gets farther in the same time than rounds that wait for a slow site', () => {
    const { error, stalest } = asynchronous({ ticks: 120, stalenessExponent: 0.5, pull: 0.1 });
    expect(synchronous(120)).toBeCloseTo(0.9 ** 10, 12);
    expect(error).toBeLessThan(0.02 * synchronous(120));
    expect(stalest).toBeGreaterThanOrEqual(5);
  });

  it('moves less for stale updates, which point from where the model no longer is', () => {
    // The slow site's first update, 0.9 from weights 0, arrives when the fast one has brought the model near 1.
    const overshoot = (stalenessExponent: number) =>
      asynchronous({ ticks: 24, stalenessExponent, pull: 0.9 }).overshoot;
    expect(overshoot(0)).toBeGreaterThan(0.4);
    expect(overshoot(0.5)).toBeLessThan(0.5 * overshoot(0));
  });
});
