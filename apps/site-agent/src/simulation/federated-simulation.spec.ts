import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite } from '@tributary/imaging';
import { roundShares } from '@tributary/federation/averages/power-function';
import type { RecipeInput } from '@tributary/protocol';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { readParameterFile } from '@tributary/safetensors';
import { exampleRecipe } from '../example-recipe.spec-support.js';
import { readTrainingState, type TrainingState } from '../trainer/training-state-file.js';
import { FederatedSimulation } from './federated-simulation.js';

/** Training on a busy machine. */
jest.setTimeout(120_000);

const SITES = { 'site-a': 'T1w', 'site-b': 'T2w' } as const;
const ROUNDS = 3;

const BASE: Partial<RecipeInput> = {
  classes: [...PHANTOM_CLASSES],
  evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8 },
  rounds: { count: ROUNDS, localSteps: 2, batchSize: 4, quorum: 1 },
};

let engine: Engine;
let folder: string;
const images: Record<string, string> = {};
const opened: FederatedSimulation[] = [];

beforeAll(async () => {
  engine = await openEngine({ name: 'auto', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'simulation-'));
  const atlas = await loadAtlas();
  for (const [name, scanner] of Object.entries(SITES)) {
    images[name] = join(folder, 'images', name);
    await writePhantomSite({
      directory: images[name],
      site: { name, scanner, format: 'nifti', lesionRate: 0.1 },
      patients: name === 'site-a' ? 8 : 12,
      imageSizePx: 16,
      atlas,
      random: (...path) => randomStream(7, name, ...path),
    });
  }
});
afterEach(async () => {
  for (const simulation of opened.splice(0)) await simulation.close();
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

let runs = 0;
async function simulate(changes: Partial<RecipeInput>, folders = images): Promise<FederatedSimulation> {
  const directory = join(folder, `run-${++runs}`);
  await mkdir(directory);
  const recipe = exampleRecipe({ ...BASE, ...changes });
  const simulation = await FederatedSimulation.open({ recipe, images: folders, directory, engine });
  opened.push(simulation);
  return simulation;
}

function siteState(simulation: FederatedSimulation, siteId: string, round: number): Promise<TrainingState | undefined> {
  const site = simulation.sites.find((each) => each.siteId === siteId);
  return readTrainingState(join(site?.parts.runDirectory ?? '', `site-${round}.safetensors`));
}

async function weightsOf(path: string): Promise<Float32Array> {
  return (await readParameterFile(path)).flat;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

/** Numbers of the parameters that a pattern matches, one after the other. */
function numbersOf(simulation: FederatedSimulation, vector: Float32Array, pattern: RegExp): number[] {
  let begin = 0;
  return simulation.manifest.flatMap(({ name, shape }) => {
    const end = begin + shape.reduce((product, length) => product * length, 1);
    const numbers = pattern.test(name) ? [...vector.subarray(begin, end)] : [];
    begin = end;
    return numbers;
  });
}

/** Parameters that all sites have a say in. */
const NOT_OWNED = /^(?!class_embedding)/;
const NORMS = /(norm\d*|conv_norm_out)\.(weight|bias)$/;

/** Rounds of one local step. */
function oneStep(strategy: RecipeInput['strategy']): Partial<RecipeInput> {
  return { strategy, rounds: { count: ROUNDS, localSteps: 1, batchSize: 4, quorum: 1 } };
}

const recipes: [string, Partial<RecipeInput>][] = [
  ['FedProx with fp16', { strategy: { kind: 'fedprox' }, federation: { compression: { kind: 'fp16' } } }],
  ['FedSGD with local norms', { ...oneStep({ kind: 'fedsgd' }), federation: { localParameters: ['norms'] } }],
  ['UDEC with top-k', { federation: { exchange: 'udec', compression: { kind: 'top-k', fraction: 0.1 } } }],
  [
    'SCAFFOLD by halves with local norms in int8',
    {
      strategy: { kind: 'scaffold' },
      federation: { exchange: 'usplit', localParameters: ['norms'], compression: { kind: 'int8' } },
    },
  ],
];

describe('a federated run with the parts of the sites', () => {
  it.each(recipes)('gives the same bytes when trainers die between rounds: %s', async (_, changes) => {
    const undisturbed = await simulate(changes);
    const disturbed = await simulate(changes);
    const hashes = [];
    for (let n = 1; n <= ROUNDS; n++) {
      const { sha256, loss } = await undisturbed.round();
      expect(loss).toBeGreaterThan(0);
      await disturbed.restart(n % 2 === 0 ? 'site-a' : 'site-b');
      // A round that is trained, lost before it counted, and trained again must not use what the first time left.
      const { weights, state } = disturbed.model;
      await disturbed.sites[0]?.train(n, { weights, control: state['control'] });
      expect((await disturbed.round()).sha256).toBe(sha256);
      hashes.push(sha256);
    }
    expect(new Set(hashes).size).toBe(ROUNDS);
  });

  it('stays nearer to the global weights the larger mu is, and is FedAvg without it', async () => {
    const plain = await simulate({});
    const free = await simulate({ strategy: { kind: 'fedprox', mu: 0 } });
    const held = await simulate({ strategy: { kind: 'fedprox', mu: 1000 } });
    const start = await weightsOf(plain.model.weights);
    const { sha256 } = await plain.round();
    expect((await free.round()).sha256).toBe(sha256);
    await held.round();
    const moved = async ({ model }: FederatedSimulation): Promise<number> =>
      Math.hypot(...(await weightsOf(model.weights)).map((weight, i) => weight - (start[i] ?? NaN)));
    expect(await moved(held)).toBeLessThan(0.9 * (await moved(plain)));
  });

  it("takes the steps of a lone site with FedSGD, whose moments are the server's", async () => {
    const { 'site-a': alone = '' } = images;
    const optimiser = { kind: 'adamw', learningRate: 4e-3, weightDecay: 0.1, clipNorm: 0.5, warmupSteps: 2 } as const;
    const atSite = await simulate({ ...oneStep({ kind: 'fedavg' }), optimiser }, { 'site-a': alone });
    const atServer = await simulate({ ...oneStep({ kind: 'fedsgd' }), optimiser }, { 'site-a': alone });
    const start = await weightsOf(atSite.model.weights);
    for (let n = 1; n <= ROUNDS; n++) {
      await atSite.round();
      await atServer.round();
    }
    const [expected, actual] = await Promise.all([atSite, atServer].map(({ model }) => weightsOf(model.weights)));
    expect(largestDifference(expected ?? start, start)).toBeGreaterThan(5e-3);
    expect(largestDifference(actual ?? start, expected ?? start)).toBeLessThan(1e-4);
  });

  it('sends gradients with FedSGD: their image-weighted mean is that of the pooled batch', async () => {
    const simulation = await simulate({
      ...oneStep({ kind: 'fedsgd' }),
      optimiser: { kind: 'adamw', learningRate: 1e-3, beta1: 0, schedule: 'constant', clipNorm: 1e9 },
    });
    await simulation.round();
    const mean = numbersOf(simulation, await weightsOf(simulation.model.state['first-moment'] ?? ''), NOT_OWNED);
    const [a, b] = simulation.sites.map(({ parts }) => parts);
    const gradients = await Promise.all(
      [a, b].map(async (parts) =>
        numbersOf(simulation, (await parts?.trainer.strategyState())?.gradientSum ?? new Float32Array(0), NOT_OWNED),
      ),
    );
    const counts = [a, b].map((parts) => parts?.images.split.train.length ?? NaN);
    const total = counts.reduce((sum, count) => sum + count, 0);
    mean.forEach((value, i) => {
      const pooled = gradients.reduce(
        (sum, gradient, k) => sum + ((counts[k] ?? NaN) / total) * (gradient[i] ?? NaN),
        0,
      );
      expect(value).toBeCloseTo(-pooled, 6);
    });
    expect(Math.max(...mean.map(Math.abs))).toBeGreaterThan(1e-3);
  });

  it.each(['full', 'usplit'] as const)(
    "keeps the server's control variate at the mean of the sites' own (%s exchange)",
    async (exchange) => {
      const simulation = await simulate({ strategy: { kind: 'scaffold' }, federation: { exchange } });
      for (let n = 1; n <= 2; n++) {
        await simulation.round();
        const server = await weightsOf(simulation.model.state['control'] ?? '');
        const [a, b] = await Promise.all(['site-a', 'site-b'].map((id) => siteState(simulation, id, n)));
        const mean = server.map(
          (_, i) => ((a?.vectors['control']?.[i] ?? NaN) + (b?.vectors['control']?.[i] ?? NaN)) / 2,
        );
        const [ofServer, ofSites] = [server, mean].map((vector) => numbersOf(simulation, vector, NOT_OWNED));
        expect(Math.max(...(ofSites ?? []))).toBeGreaterThan(1e-4);
        ofServer?.forEach((value, i) => expect(value).toBeCloseTo(ofSites?.[i] ?? NaN, 6));
      }
    },
  );

  it('never lets local parameters leave, trains them at each site, and averages them there as the server does', async () => {
    const simulation = await simulate({ federation: { localParameters: ['norms'] }, serverEma: { decay: 0.5 } });
    const start = numbersOf(simulation, await weightsOf(simulation.model.weights), NORMS);
    let average = start;
    for (let n = 1; n <= ROUNDS; n++) {
      await simulation.round();
      const state = await siteState(simulation, 'site-a', n);
      const own = numbersOf(simulation, state?.vectors['own'] ?? new Float32Array(0), NORMS);
      // The server's decay in its first rounds: none in the first, then (1 + n) / (10 + n) with n from 1, below 0.5.
      const decay = n === 1 ? 0 : n / (9 + n);
      average = average.map((value, i) => decay * value + (1 - decay) * (own[i] ?? NaN));
      const kept = numbersOf(simulation, state?.vectors['ownAverage'] ?? new Float32Array(0), NORMS);
      kept.forEach((value, i) => expect(value).toBeCloseTo(average[i] ?? NaN, 5));
    }
    for (const path of [simulation.model.weights, simulation.model.ema]) {
      expect(numbersOf(simulation, await weightsOf(path), NORMS)).toEqual(start);
    }
    const [a, b] = await Promise.all(['site-a', 'site-b'].map((id) => siteState(simulation, id, ROUNDS)));
    expect(a?.vectors['own']).not.toEqual(b?.vectors['own']);
    expect(average).not.toEqual(start);
  });

  it('keeps an average for every width of a power function, each the weighted sum of the weights of all rounds', async () => {
    const simulation = await simulate({ serverEma: { kind: 'power-function', widths: [0.1, 0.2] } });
    const history: Float32Array[] = [];
    for (let n = 1; n <= ROUNDS; n++) {
      await simulation.round();
      history.push(await weightsOf(simulation.model.weights));
    }
    const { ema, state } = simulation.model;
    for (const [path, width] of [[ema, 0.1] as const, [state['average-0.2'] ?? '', 0.2] as const]) {
      const shares = roundShares({ round: ROUNDS, width }, ROUNDS);
      const average = await weightsOf(path);
      average.forEach((value, i) => {
        const expected = history.reduce((sum, weights, n) => sum + (shares[n] ?? NaN) * (weights[i] ?? NaN), 0);
        expect(Math.abs(value - expected)).toBeLessThan(1e-6);
      });
    }
    expect(await weightsOf(ema)).not.toEqual(history.at(-1));
  });

  it.each([
    ['int8', { kind: 'int8' }, 3.7],
    ['fp16', { kind: 'fp16' }, 1.9],
    ['top-k', { kind: 'top-k', fraction: 0.1 }, 6],
  ] as const)('sends less with %s and loses nothing for good', async (_, compression, ratio) => {
    const plain = await simulate({ rounds: { count: 1, localSteps: 2, batchSize: 4, quorum: 1 } });
    const coded = await simulate({
      rounds: { count: 1, localSteps: 2, batchSize: 4, quorum: 1 },
      federation: { compression },
      strategy: { kind: 'fedavg', ownedRows: false },
    });
    const start = await weightsOf(plain.model.weights);
    const exact = await plain.round();
    const { bytesUp } = await coded.round();
    expect(exact.bytesUp / bytesUp).toBeGreaterThan(ratio);
    // What the sites still owe, weighted as their updates are, is all that tells the two models apart.
    const owed = await Promise.all(['site-a', 'site-b'].map((id) => siteState(coded, id, 1)));
    const shares = coded.sites.map(({ parts }) => parts.images.split.train.length);
    const total = shares.reduce((sum, share) => sum + share, 0);
    const repaid = (await weightsOf(coded.model.weights)).map((weight, i) =>
      owed.reduce(
        (sum, state, k) => sum + ((shares[k] ?? 0) / total) * (state?.vectors['residual']?.[i] ?? NaN),
        weight,
      ),
    );
    const expected = numbersOf(plain, await weightsOf(plain.model.weights), NOT_OWNED);
    numbersOf(coded, repaid, NOT_OWNED).forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 5));
    expect(largestDifference(await weightsOf(coded.model.weights), start)).toBeGreaterThan(0);
  });
});
