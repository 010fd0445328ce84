import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { federationSchema } from '@tributary/protocol/federation';
import { elementCount } from '@tributary/protocol/manifest';
import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';
import fc from 'fast-check';
import { aggregateRound } from '../aggregation/aggregate-round.js';
import type { AggregationRequestInput } from '../aggregation/aggregation-request.js';
import { serverAverages } from '../averages/server-averages.js';
import { createStrategy } from '../strategies/create-strategy.js';
import { serverStep } from '../strategies/server-step.js';
import { floatFileBytes, VectorFolder } from '../vectors/vector-files.spec-support.js';
import { changedBytes } from './changed-bytes.js';
import { updateInput, updateLayout } from './update-layout.js';

/** Rounds are synced to disk, which a busy machine may do slowly. */
jest.setTimeout(60_000);

const folder = new VectorFolder();
afterAll(() => folder.remove());

/** Names as a `UNet2DModel` has them; seven class rows, as three sites with two classes have. */
const manifest = [
  { name: 'class_embedding.weight', shape: [7, 2] },
  { name: 'conv_in.weight', shape: [5] },
  { name: 'conv_norm_out.bias', shape: [2] },
  { name: 'conv_out.weight', shape: [3] },
  { name: 'down_blocks.0.resnets.0.conv1.weight', shape: [4] },
  { name: 'down_blocks.0.resnets.0.norm1.weight', shape: [2] },
  { name: 'mid_block.resnets.0.conv1.weight', shape: [6] },
  { name: 'time_embedding.linear_1.bias', shape: [3] },
  { name: 'up_blocks.0.resnets.0.norm1.weight', shape: [2] },
  { name: 'up_blocks.0.upsamplers.0.conv.weight', shape: [7] },
];
const COUNT = manifest.reduce((sum, { shape }) => sum + elementCount(shape), 0);
const HEADER_BYTES = floatFileBytes(manifest, []).length;
const SITES = ['a', 'b', 'c'];

/** Numbers that differ from one another, and from seed to seed; one in eight is zero, as after a rounding code. */
const numbers = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => (i % 8 === 7 ? 0 : Math.sin(seed * 7.3 + 1.7 * i)));

function recipeOf(changes: Pick<RecipeInput, 'strategy' | 'federation' | 'serverEma'>): Recipe {
  return recipeSchema.parse({
    name: 'changed-bytes',
    seed: 1,
    image: { sizePx: 8, channels: 1 },
    classes: ['healthy', 'lesion'],
    data: { intensity: { method: 'percentile' } },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8], attention: [false] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 1e-2, weightDecay: 0.1 },
    rounds: { count: 3, localSteps: 1, batchSize: 2, quorum: 3 },
    evaluation: { sampler: 'heun' },
    ...changes,
  });
}

interface ServerFiles {
  readonly weights: string;
  /** By name. */
  readonly averages: Record<string, string>;
  readonly state: Record<string, string>;
}

/** What the coordinator does with a round in which `present` took part. */
async function nextFiles(recipe: Recipe, before: ServerFiles, round: { n: number; present: readonly string[] }) {
  const { n, present } = round;
  const updates = present.map((siteId) => {
    const context = { recipe, manifest, sites: SITES, siteId, round: n };
    const { manifest: held } = updateLayout(context);
    const count = held.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const path = folder.write(`update-${siteId}`, held, numbers(count, n + siteId.charCodeAt(0)));
    return updateInput(context, { path, images: 3 + n, localSteps: 2 });
  });
  const names = createStrategy(recipe.strategy, SITES.length).serverOptimiser.stateVectors.map(({ name }) => name);
  const averages = serverAverages(recipe.serverEma, n - 1).map(({ name, decay }) => {
    const key = name ?? 'ema';
    return { key, decay, previousPath: before.averages[key], path: folder.file(`${key}-${n}`) };
  });
  const after: ServerFiles = {
    weights: folder.file(`weights-${n}`),
    averages: Object.fromEntries(averages.map(({ key, path }) => [key, path])),
    state: Object.fromEntries(names.map((name) => [name, folder.file(`${name}-${n}`)])),
  };
  await aggregateRound({
    strategy: recipe.strategy,
    siteCount: SITES.length,
    adamW: serverStep(recipe, n - 1),
    manifest,
    updates,
    globalPath: before.weights,
    averages: averages.map(({ decay, previousPath, path }) => ({ decay, previousPath, path })),
    statePaths: before.state,
    out: { weightsPath: after.weights, statePaths: after.state },
  });
  return after;
}

/** The bytes of a file that lie in no range. */
function stayingBytes(path: string, recipe: Recipe): Buffer {
  const bytes = readFileSync(path);
  for (const { begin, end } of changedBytes(manifest, recipe.federation, 0)) bytes.fill(0, begin, end);
  return bytes;
}

const strategies = fc.constantFrom<AggregationRequestInput['strategy']>(
  { kind: 'fedavg' },
  { kind: 'fedavg', ownedRows: false, clipNorm: 0.5 },
  { kind: 'fedsgd' },
  { kind: 'fednova' },
  { kind: 'fedprox' },
  { kind: 'scaffold' },
  { kind: 'fedavgm' },
  { kind: 'fedadagrad' },
  { kind: 'fedadam' },
  { kind: 'fedyogi' },
  { kind: 'median' },
  { kind: 'trimmed-mean' },
  { kind: 'multi-krum', byzantine: 0 },
  { kind: 'fedbuff', bufferSize: 1 },
);
const averages = fc.constantFrom<RecipeInput['serverEma']>(
  { decay: 0.999 },
  { decay: 0.3 },
  { kind: 'inverse-power' },
  { kind: 'power-function' },
);
const federations = fc.record({
  exchange: fc.constantFrom('full', 'usplit', 'ulatdec', 'udec'),
  localParameters: fc.subarray(['norms', 'class-embedding', '*.conv1.*', 'conv_in.weight']),
});

describe('the bytes of a model that rounds may change', () => {
  it('are all in which two versions, averages or control variates of a run differ', async () => {
    const someSites = fc.subarray(SITES, { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(strategies, federations, averages, someSites, async (strategy, federation, serverEma, some) => {
        const recipe = recipeOf({ strategy, federation, serverEma });
        const start = folder.write('weights-0', manifest, numbers(COUNT, 0.4));
        const files: ServerFiles[] = [{ weights: start, averages: { ema: start }, state: {} }];
        for (const [index, present] of [SITES, strategy.kind === 'multi-krum' ? SITES : some, SITES].entries()) {
          const before = files[index];
          if (before) files.push(await nextFiles(recipe, before, { n: index + 1, present }));
        }
        expect(files).toHaveLength(4);
        const initial = stayingBytes(start, recipe);
        for (const { weights, averages: kept } of files) {
          for (const path of [weights, ...Object.values(kept)]) {
            expect(stayingBytes(path, recipe).equals(initial)).toBe(true);
          }
        }
        const controls = files.flatMap(({ state }) => state['control'] ?? []);
        expect(controls).toHaveLength(strategy.kind === 'scaffold' ? 3 : 0);
        const [control, ...later] = controls.map((path) => stayingBytes(path, recipe));
        for (const bytes of later) expect(control?.equals(bytes)).toBe(true);
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it('are no more than those of the parameters that travel', () => {
    fc.assert(
      fc.property(federations, (federation) => {
        const exchange = federationSchema.parse(federation);
        const ranges = changedBytes(manifest, exchange, 0);
        const sent = new Set(
          [0, 1].flatMap(
            (round) =>
              updateLayout({
                recipe: recipeOf({ strategy: { kind: 'fedavg' }, federation }),
                manifest,
                sites: SITES,
                siteId: 'a',
                round: 1 + round,
              }).parameters,
          ),
        );
        const sharedCount = manifest
          .filter(({ name }) => sent.has(name))
          .reduce((sum, { shape }) => sum + elementCount(shape), 0);
        expect(ranges.reduce((sum, { begin, end }) => sum + end - begin, 0)).toBe(4 * sharedCount);
        for (const { begin } of ranges) expect(begin).toBeGreaterThanOrEqual(HEADER_BYTES);
      }),
    );
  });

  it('are the data without the header when everything travels, and the whole file when the header is too short to leave out', () => {
    const end = HEADER_BYTES + 4 * COUNT;
    const full = federationSchema.parse({});
    expect(changedBytes(manifest, full, 0)).toEqual([{ begin: HEADER_BYTES, end }]);
    expect(changedBytes(manifest, full)).toEqual([{ begin: 0, end }]);
  });

  it('join over short gaps, in the middle and at both ends', () => {
    // Encoder 14 + 5 numbers, decoder 2 + 3, encoder 4 + 2, bottleneck 6, encoder 3, decoder 2 + 7.
    const decoder = HEADER_BYTES + 4 * 19;
    const upBlocks = HEADER_BYTES + 4 * 39;
    const end = upBlocks + 4 * 9;
    const udec = federationSchema.parse({ exchange: 'udec' });
    const parts = [
      { begin: decoder, end: decoder + 4 * 5 },
      { begin: upBlocks, end },
    ];
    expect(changedBytes(manifest, udec, 4 * 15 - 1)).toEqual(parts);
    expect(changedBytes(manifest, udec, 4 * 15)).toEqual([{ begin: decoder, end }]);
    expect(changedBytes(manifest, udec, decoder)).toEqual([{ begin: 0, end }]);
  });

  it('are sorted, disjoint and further apart than the gap', () => {
    fc.assert(
      fc.property(federations, fc.nat(400), (federation, gapBytes) => {
        let previousEnd = 0;
        for (const { begin, end } of changedBytes(manifest, federationSchema.parse(federation), gapBytes)) {
          expect(begin === 0 || begin - previousEnd > gapBytes).toBe(true);
          expect(end).toBeGreaterThan(begin);
          previousEnd = end;
        }
      }),
    );
  });
});
