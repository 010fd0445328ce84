import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { VectorFolder } from '../vectors/vector-files.spec-support.js';
import { updateManifest } from '../vectors/vector-names.js';
import { aggregateRound } from './aggregate-round.js';
import type { AggregationRequestInput } from './aggregation-request.js';

const folder = new VectorFolder();
afterAll(() => folder.remove());

const length = 3000;
const manifest: ParameterEntry[] = [{ name: 'w', shape: [length] }];
const wave = (seed: number, size = length) => Float32Array.from({ length: size }, (_, i) => Math.sin(seed * (i + 1)));
const global = wave(0.01);

function request(
  strategy: AggregationRequestInput['strategy'],
  updates: readonly Float32Array[],
  changes: Partial<AggregationRequestInput> = {},
): AggregationRequestInput {
  const vectors = strategy.kind === 'scaffold' ? ['control', 'update'] : ['update'];
  return {
    strategy,
    siteCount: updates.length,
    manifest,
    updates: updates.map((values, k) => ({
      siteId: `s${k}`,
      images: 1 + k,
      path: folder.write(`update-${k}`, updateManifest(manifest, vectors), values),
    })),
    globalPath: folder.write('global', manifest, global),
    out: { weightsPath: folder.file('next') },
    // Two blocks a window and a rest: every border is crossed.
    windowBytes: 50_000,
    ...changes,
  };
}

function expectClose(actual: readonly number[], expected: (i: number) => number): void {
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected(i))));
  expect(actual).toHaveLength(length);
  expect(worst).toBeLessThan(1e-6);
}

describe('strategies on files', () => {
  it('keeps the state of FedAdam in files of its own from round to round', async () => {
    const strategy = { kind: 'fedadam', serverLearningRate: 0.1, beta1: 0.5, beta2: 0.75, tau: 0.01 } as const;
    const [first, second] = [wave(0.3), wave(0.7)];
    const statePaths = { 'first-moment': folder.file('m-1'), 'second-moment': folder.file('v-1') };
    const { state } = await aggregateRound(
      request(strategy, [first], { out: { weightsPath: folder.file('x-1'), statePaths } }),
    );
    expect(Object.keys(state)).toEqual(['first-moment', 'second-moment']);
    await aggregateRound(
      request(strategy, [second], {
        globalPath: folder.file('x-1'),
        statePaths,
        out: {
          weightsPath: folder.file('x-2'),
          statePaths: { 'first-moment': folder.file('m-2'), 'second-moment': folder.file('v-2') },
        },
      }),
    );
    expectClose(folder.read('x-2'), (i) => {
      let [x, m, v] = [global[i] ?? NaN, 0, 0.01 ** 2];
      for (const delta of [first[i] ?? NaN, second[i] ?? NaN]) {
        m = 0.5 * m + 0.5 * delta;
        v = 0.75 * v + 0.25 * delta ** 2;
        x += (0.1 * m) / (Math.sqrt(v) + 0.01);
      }
      return x;
    });
  });

  it('reads both vectors of a SCAFFOLD update and moves the control variate by the share that took part', async () => {
    const updates = [wave(0.2, 2 * length), wave(0.5, 2 * length)];
    await aggregateRound(
      request({ kind: 'scaffold' }, updates, {
        siteCount: 8,
        out: { weightsPath: folder.file('next'), statePaths: { control: folder.file('control') } },
      }),
    );
    const [a, b] = updates;
    expectClose(folder.read('control'), (i) => (((a?.[i] ?? NaN) + (b?.[i] ?? NaN)) / 2) * (2 / 8));
    expectClose(
      folder.read('next'),
      (i) => (global[i] ?? NaN) + ((a?.[length + i] ?? NaN) + (b?.[length + i] ?? NaN)) / 2,
    );
  });

  it('clips in a pass of its own, and reports norms as sent', async () => {
    const updates = [wave(0.2), wave(0.5).map((value) => 100 * value)];
    const norms = updates.map((update) => Math.sqrt(update.reduce((sum, value) => sum + value ** 2, 0)));
    const clipNorm = 60;
    const result = await aggregateRound(request({ kind: 'fedavg', clipNorm }, updates));
    const scale = clipNorm / (norms[1] ?? NaN);
    expect(norms[0]).toBeLessThan(clipNorm);
    expect(result.bytesRead).toBe(2 * 2 * length * 4);
    for (const [k, { norm }] of result.updateNorms.entries()) expect(norm / (norms[k] ?? NaN)).toBeCloseTo(1, 6);
    expect(result.updateNorms[0]?.scale).toBe(1);
    expect(result.updateNorms[1]?.scale).toBeCloseTo(scale, 8);
    expectClose(
      folder.read('next'),
      (i) => (global[i] ?? NaN) + ((updates[0]?.[i] ?? NaN) + 2 * scale * (updates[1]?.[i] ?? NaN)) / 3,
    );
  });

  it('selects by Krum over the whole vector, not window by window', async () => {
    // The poisoner looks honest in the first two thirds.
    const honest = [1, 2, 3, 4].map((k) => wave(0.1).map((value) => value + k / 100));
    const poison = wave(0.1).map((value, i) => (i < 2000 ? value : 50));
    await aggregateRound(request({ kind: 'multi-krum', byzantine: 1 }, [poison, ...honest]));
    expectClose(folder.read('next'), (i) => (global[i] ?? NaN) + Math.sin(0.1 * (i + 1)) + 0.025);
  });

  it('takes distances between clipped updates', async () => {
    // Clipped to norm 1, the long update in the common direction is one of the crowd; unclipped it would be the outlier.
    const short: ParameterEntry[] = [{ name: 'w', shape: [2] }];
    const updates = [
      [0.9, 0.1],
      [0.95, 0],
      [0.9, -0.1],
      [1000, 0],
      [0, 1],
    ].map((values, k) => ({
      siteId: `s${k}`,
      images: 1,
      path: folder.write(`short-${k}`, short, values),
    }));
    await aggregateRound({
      ...request({ kind: 'multi-krum', byzantine: 1, clipNorm: 1 }, []),
      manifest: short,
      siteCount: 5,
      updates,
      globalPath: folder.write('short', short, [0, 0]),
    });
    const [x = NaN, y = NaN] = folder.read('next');
    expect(x).toBeCloseTo((0.9 + 0.95 + 0.9 + 1) / 4, 6);
    expect(y).toBeCloseTo(0, 6);
  });

  it('refuses to drop the state of a strategy that keeps one, before anything is written', async () => {
    const forgetful = request({ kind: 'fedavgm' }, [wave(0.4)], { out: { weightsPath: folder.file('lost') } });
    const files = readdirSync(folder.path).length;
    await expect(aggregateRound(forgetful)).rejects.toThrow('out.statePaths.momentum');
    expect(readdirSync(folder.path)).toHaveLength(files);
  });
});
