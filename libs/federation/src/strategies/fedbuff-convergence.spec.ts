import { describe, expect, it } from '@jest/globals';
import { createStrategy } from './create-strategy.js';
import { aggregateInMemory, initialModel } from './federated-quadratic.spec-support.js';
import { strategyOptionsSchema } from './strategy-options.js';

/** Updates that make a new version. */
const CAPACITY = 2;

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

interface Waiting {
  readonly siteId: string;
  readonly baseVersion: number;
  readonly pseudoGradient: number;
}

function asynchronous({ ticks, stalenessExponent, pull }: AsynchronousRun) {
  const strategy = createStrategy(strategyOptionsSchema.parse({ kind: 'fedbuff', stalenessExponent }), 1);
  const working = SITES.map((site) => ({ ...site, from: 0, baseVersion: 0 }));
  let model = initialModel(strategy, Float32Array.of(0));
  let version = 0;
  let waiting: Waiting[] = [];
  let stalest = 0;
  let farthest = 0;
  for (let tick = 1; tick <= ticks; tick++) {
    for (const site of working) {
      if (tick % site.ticks !== 0) continue;
      const { siteId, baseVersion } = site;
      waiting.push({ siteId, baseVersion, pseudoGradient: pull * (1 - site.from) });
      if (waiting.length === CAPACITY) {
        const sites = waiting.map(({ siteId, baseVersion }) => ({
          siteId: `${siteId} from ${baseVersion}`,
          images: 1,
          localSteps: 1,
          staleness: version - baseVersion,
        }));
        const updates = [waiting.map(({ pseudoGradient }) => Float32Array.of(pseudoGradient))];
        model = aggregateInMemory(model, { strategy, sites, updates });
        stalest = Math.max(stalest, ...sites.map(({ staleness }) => staleness));
        version += 1;
        waiting = [];
      }
      site.from = model.weights[0] ?? NaN;
      site.baseVersion = version;
      farthest = Math.max(farthest, site.from);
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
