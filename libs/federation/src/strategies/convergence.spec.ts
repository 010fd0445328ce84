import { describe, expect, it } from '@jest/globals';
import {
  distance,
  pooledOptimum,
  trainQuadratic,
  type QuadraticRun,
  type QuadraticSite,
} from './federated-quadratic.spec-support.js';
import { strategyOptionsSchema, type StrategyOptions } from './strategy-options.js';

function strategy(options: { kind: StrategyOptions['kind'] } & Record<string, unknown>): StrategyOptions {
  return strategyOptionsSchema.parse(options);
}

/** Two sites that disagree about where and how sharply: ten local steps drift towards each site's own optimum. */
const heterogeneous: QuadraticSite[] = [
  { curvature: [4, 1], centre: [1, -1] },
  { curvature: [1, 3], centre: [-3, 5] },
];
const optimum = pooledOptimum(heterogeneous); // ((4 - 3) / 5, (-1 + 15) / 4) = (0.2, 3.5)

function error(options: Partial<QuadraticRun> & { strategy: StrategyOptions }): number {
  const run = { sites: heterogeneous, rounds: 200, localLearningRate: 0.05, ...options };
  return distance(trainQuadratic(run).weights.at(-1), pooledOptimum(run.sites));
}

describe('strategies on a non-IID quadratic', () => {
  const fedavg = strategy({ kind: 'fedavg' });

  it('has the pooled optimum that hand calculation gives', () => {
    expect(optimum).toEqual([0.2, 3.5]);
  });

  it('FedAvg with one local step is gradient descent on pooled data', () => {
    const sites = heterogeneous.map((site) => ({ ...site, localSteps: 1 }));
    expect(error({ strategy: fedavg, sites })).toBeLessThan(1e-5);
  });

  it('FedAvg with ten local steps stops where the drifts cancel, away from the optimum', () => {
    // Fixed point of a coordinate: sum of (1 - r_k) * centre_k / sum of (1 - r_k), r_k = (1 - 0.05 * curvature_k)^10.
    const share = (curvature: number) => 1 - (1 - 0.05 * curvature) ** 10;
    const fixedPoint = (a: [number, number], b: [number, number]) =>
      (share(a[0]) * a[1] + share(b[0]) * b[1]) / (share(a[0]) + share(b[0]));
    const expected = [fixedPoint([4, 1], [1, -3]), fixedPoint([1, -1], [3, 5])];
    const { weights } = trainQuadratic({
      strategy: fedavg,
      sites: heterogeneous,
      rounds: 200,
      localLearningRate: 0.05,
    });
    expect(distance(weights.at(-1), expected)).toBeLessThan(1e-5);
    expect(error({ strategy: fedavg })).toBeGreaterThan(0.5);
  });

  it('FedProx keeps sites near the global weights, so the same steps drift less', () => {
    const proximal = strategy({ kind: 'fedprox', mu: 8 });
    expect(error({ strategy: proximal, rounds: 600 })).toBeLessThan(0.5 * error({ strategy: fedavg, rounds: 600 }));
  });

  it('SCAFFOLD reaches the pooled optimum in spite of ten local steps', () => {
    expect(error({ strategy: strategy({ kind: 'scaffold' }) })).toBeLessThan(1e-4);
  });

  it('FedNova does not follow the site that takes more steps', () => {
    const sites: QuadraticSite[] = [
      { curvature: [1], centre: [0], localSteps: 2 },
      { curvature: [1], centre: [10], localSteps: 30 },
    ];
    const options = { sites, localLearningRate: 0.01 };
    expect(pooledOptimum(sites)).toEqual([5]);
    expect(error({ strategy: fedavg, ...options, rounds: 2000 })).toBeGreaterThan(4);
    expect(error({ strategy: strategy({ kind: 'fednova' }), ...options, rounds: 2000 })).toBeLessThan(0.5);
  });

  it('momentum gets farther along a flat valley in the same rounds', () => {
    const valley: QuadraticSite[] = [{ curvature: [1, 0.01], centre: [1, 1], localSteps: 1 }];
    const options = { sites: valley, localLearningRate: 0.5, rounds: 100 };
    const withMomentum = error({ strategy: strategy({ kind: 'fedavgm', momentum: 0.9 }), ...options });
    expect(withMomentum).toBeLessThan(0.2 * error({ strategy: fedavg, ...options }));
  });

  it.each(['fedadagrad', 'fedadam', 'fedyogi'] as const)(
    '%s moves parameters whose gradients differ by 10,000 at one pace',
    (kind) => {
      const sites: QuadraticSite[] = [{ curvature: [1, 1e-4], centre: [1, 1], localSteps: 1 }];
      const options = { sites, localLearningRate: 0.5, rounds: 150 };
      const adaptive = strategy({ kind, serverLearningRate: 0.1, tau: 1e-6 });
      expect(error({ strategy: fedavg, ...options })).toBeGreaterThan(0.9);
      expect(error({ strategy: adaptive, ...options })).toBeLessThan(0.1);
    },
  );

  it.each([
    { kind: 'median' },
    { kind: 'trimmed-mean', trimFraction: 0.2 },
    { kind: 'multi-krum', byzantine: 1 },
  ] as const)('$kind ignores a site that sends poison', (options) => {
    const honest = [0.9, 1, 1, 1.1].map((centre): QuadraticSite => ({ curvature: [1], centre: [centre] }));
    const poisoner: QuadraticSite = { curvature: [1], centre: [1], attack: (update) => update.map(() => 1e6) };
    const run = { sites: [...honest, poisoner], rounds: 50, localLearningRate: 0.1 };
    expect(error({ strategy: fedavg, ...run })).toBeGreaterThan(1e5);
    expect(error({ strategy: strategy(options), ...run })).toBeLessThan(0.1);
  });

  it('norm clipping bounds what one update can do', () => {
    const sites: QuadraticSite[] = [
      { curvature: [1], centre: [1] },
      { curvature: [1], centre: [1], attack: (update, round) => (round === 20 ? update.map(() => 1e6) : update) },
    ];
    const run = { sites, rounds: 60, localLearningRate: 0.1 };
    const clipped = trainQuadratic({ ...run, strategy: strategy({ kind: 'fedavg', clipNorm: 0.5 }) }).weights;
    expect(distance(clipped[20], [1])).toBeLessThan(0.5);
    expect(distance(clipped.at(-1), [1])).toBeLessThan(1e-4);
    expect(distance(trainQuadratic({ ...run, strategy: fedavg }).weights[20], [1])).toBeGreaterThan(1e5);
  });

  it('the moving average is calmer than the weights that it follows', () => {
    const restless: QuadraticSite = {
      curvature: [1],
      centre: [0],
      attack: (update, round) => update.map((u) => u + (round % 2 === 0 ? 1 : -1)),
    };
    const { weights, averages } = trainQuadratic({
      strategy: fedavg,
      sites: [restless],
      rounds: 200,
      localLearningRate: 0.1,
      emaDecay: 0.95,
    });
    expect(distance(averages.at(-1), [0])).toBeLessThan(0.1 * distance(weights.at(-1), [0]));
  });
});
