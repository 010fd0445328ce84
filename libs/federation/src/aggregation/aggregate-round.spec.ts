import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { VectorFolder } from '../vectors/vector-files.spec-support.js';
import { aggregateRound } from './aggregate-round.js';
import type { AggregationRequestInput } from './aggregation-request.js';

const folder = new VectorFolder();
afterAll(() => folder.remove());

const manifest: ParameterEntry[] = [
  { name: 'a', shape: [2] },
  { name: 'embedding.weight', shape: [3, 2] },
];
const global = [10, 20, 1, 1, 2, 2, 3, 3];
type UpdateInput = AggregationRequestInput['updates'][number];

const fedavg: AggregationRequestInput['strategy'] = { kind: 'fedavg', serverLearningRate: 1, ownedRows: true };

function update(siteId: string, images: number, values: number[], coverage: Partial<UpdateInput> = {}): UpdateInput {
  return { siteId, images, path: folder.write(`update-${siteId}`, manifest, values), ...coverage };
}

function request(updates: UpdateInput[], changes: Partial<AggregationRequestInput> = {}): AggregationRequestInput {
  return {
    strategy: fedavg,
    siteCount: 3,
    manifest,
    updates,
    globalPath: folder.write('global', manifest, global),
    out: { weightsPath: folder.file('next') },
    ...changes,
  };
}

describe('aggregateRound', () => {
  it('adds the image-weighted mean of the updates to the global weights', async () => {
    // Shares 3/4 and 1/4: 0.75 * 4 + 0.25 * 8 = 5, and so on.
    const result = await aggregateRound(
      request([update('s1', 30, [4, 0, 0, 0, 0, 0, 0, 8]), update('s2', 10, [8, -4, 0, 0, 0, 0, 0, 0])]),
    );
    expect(folder.read('next')).toEqual([15, 19, 1, 1, 2, 2, 3, 9]);
    expect(result.combinedNorm).toBeCloseTo(Math.hypot(5, 1, 6), 12);
    expect(result.updateNorms.map(({ norm }) => norm)).toEqual([Math.hypot(4, 8), Math.hypot(8, 4)]);
    expect(result.weightsNorm).toBeCloseTo(Math.hypot(15, 19, 1, 1, 2, 2, 3, 9), 12);
    expect(result.bytesRead).toBe(2 * 8 * 4);
  });

  it('reports the size and SHA-256 of the file that it wrote', async () => {
    const { weights } = await aggregateRound(request([update('s1', 1, [1, 2, 3, 4, 5, 6, 7, 8])]));
    const bytes = readFileSync(folder.file('next'));
    expect(weights.sizeBytes).toBe(bytes.length);
    expect(weights.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('scales the step by the server learning rate', async () => {
    await aggregateRound(
      request([update('s1', 7, [4, 8, 0, 0, 0, 0, 0, 0])], { strategy: { ...fedavg, serverLearningRate: 0.25 } }),
    );
    expect(folder.read('next').slice(0, 2)).toEqual([11, 22]);
  });

  it('averages owned rows over their owners only and leaves rows of absent owners alone', async () => {
    const rows = (begin: number, end: number) => [{ parameter: 'embedding.weight', rows: [{ begin, end }] }];
    await aggregateRound(
      request([
        update('s1', 30, [4, 4, 1, 1, 99, 99, 99, 99], { ownedRows: rows(0, 1) }),
        update('s2', 10, [8, 8, 99, 99, 5, 5, 99, 99], { ownedRows: rows(1, 2) }),
      ]),
    );
    expect(folder.read('next')).toEqual([15, 25, 2, 2, 7, 7, 3, 3]);
  });

  it.each(['momentum', 'AdamW'])(
    'leaves rows of absent owners and what the server keeps of them alone with %s: nobody spoke for them',
    async (optimiser) => {
      const states = optimiser === 'momentum' ? ['momentum'] : ['first-moment', 'second-moment'];
      const kept = [1, 2, 3, 4, 5, 6, 7, 8];
      const paths = (folderName: string) =>
        Object.fromEntries(states.map((name) => [name, folder.file(`${folderName}-${name}`)]));
      for (const name of states) folder.write(`before-${name}`, manifest, kept);
      const owned = { ownedRows: [{ parameter: 'embedding.weight', rows: [{ begin: 0, end: 1 }] }] };
      await aggregateRound(
        request([update('s1', 1, [4, 4, 1, 1, 9, 9, 9, 9], owned)], {
          strategy:
            optimiser === 'momentum'
              ? { ...fedavg, kind: 'fedavgm', momentum: 0.9 }
              : { kind: 'fedsgd', ownedRows: true },
          adamW: { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5, step: 3 },
          statePaths: paths('before'),
          out: { weightsPath: folder.file('next'), statePaths: paths('after') },
        }),
      );
      const [moved, still] = [folder.read('next').slice(0, 4), folder.read('next').slice(4)];
      for (const [i, value] of moved.entries()) expect(value).not.toBe(global[i]);
      expect(still).toEqual([2, 2, 3, 3]);
      for (const name of states) expect(folder.read(`after-${name}`).slice(4)).toEqual([5, 6, 7, 8]);
    },
  );

  it('averages a parameter over the sites whose update holds it', async () => {
    const [shared] = manifest;
    const part: UpdateInput = {
      siteId: 's2',
      images: 10,
      parameters: ['a'],
      path: folder.write('part', shared ? [shared] : [], [8, 8]),
    };
    await aggregateRound(request([update('s1', 30, [4, 4, 1, 2, 3, 4, 5, 6]), part]));
    expect(folder.read('next')).toEqual([15, 25, 2, 3, 5, 6, 8, 9]);
  });

  it('keeps moving averages, the first of them from the weights that the round began with', async () => {
    const average = (name: string, decay: number) => ({ decay, path: folder.file(name) });
    const first = request([update('s1', 1, [10, 0, 0, 0, 0, 0, 0, 0])], {
      averages: [average('slow', 0.9), average('fast', 0.25)],
    });
    await aggregateRound(first);
    expect(folder.read('slow')[0]).toBeCloseTo(0.9 * 10 + 0.1 * 20, 5);
    expect(folder.read('fast')[0]).toBeCloseTo(0.25 * 10 + 0.75 * 20, 5);
    const { averages } = await aggregateRound({
      ...first,
      averages: [{ ...average('slow-2', 0.5), previousPath: folder.file('slow') }],
      out: { weightsPath: folder.file('next-2') },
    });
    expect(folder.read('slow-2')[0]).toBeCloseTo(0.5 * 11 + 0.5 * 20, 5);
    const sha256 = createHash('sha256')
      .update(readFileSync(folder.file('slow-2')))
      .digest('hex');
    expect(averages).toEqual([expect.objectContaining({ sha256 })]);
  });

  it('writes the same bytes whatever the order of arrival and the size of the windows', async () => {
    const wide: ParameterEntry[] = [{ name: 'w', shape: [5000] }];
    const numbers = (seed: number) => Array.from({ length: 5000 }, (_, i) => Math.sin(i * seed) / 3);
    const updates = ['s1', 's2', 's3'].map((siteId, k) => ({
      siteId,
      images: 10 + 7 * k,
      path: folder.write(siteId, wide, numbers(k + 1.5)),
    }));
    const base = request(updates, { manifest: wide, globalPath: folder.write('wide', wide, numbers(0.1)) });
    const hashes = new Set<string>();
    const norms = new Set<number>();
    for (const [windowBytes, order] of [
      [1, updates],
      [100_000, updates.toReversed()],
      [1 << 20, [updates[1], updates[2], updates[0]].flatMap((input) => input ?? [])],
    ] as const) {
      const { weights, combinedNorm } = await aggregateRound({ ...base, updates: order, windowBytes });
      hashes.add(weights.sha256);
      norms.add(combinedNorm);
    }
    expect([hashes.size, norms.size]).toEqual([1, 1]);
  });

  it.each([NaN, Infinity, -Infinity])(
    'refuses an update with %p, names its site and leaves nothing behind',
    async (bad) => {
      const broken = request([update('s1', 1, global), update('s2', 1, [0, 0, bad, 0, 0, 0, 0, 0])], {
        out: { weightsPath: folder.file('never') },
      });
      await expect(aggregateRound(broken)).rejects.toMatchObject({
        code: 'UPDATE_NOT_FINITE',
        context: { siteId: 's2' },
      });
      expect(readdirSync(folder.path).filter((name) => name.startsWith('never'))).toEqual([]);
    },
  );

  it('refuses finite updates that add up to infinite weights', async () => {
    const huge = 3e38;
    const overflow = request([update('s1', 1, [huge, 0, 0, 0, 0, 0, 0, 0])], {
      globalPath: folder.write('huge', manifest, [huge, 0, 0, 0, 0, 0, 0, 0]),
      out: { weightsPath: folder.file('overflow') },
    });
    await expect(aggregateRound(overflow)).rejects.toMatchObject({ code: 'UPDATE_NOT_FINITE' });
    expect(readdirSync(folder.path).filter((name) => name.startsWith('overflow'))).toEqual([]);
  });

  it('refuses an update of another manifest', async () => {
    const other = [{ name: 'b', shape: [8] }];
    const wrong = { siteId: 's1', images: 1, path: folder.write('other', other, global) };
    await expect(aggregateRound(request([wrong]))).rejects.toMatchObject({ code: 'UPDATE_WRONG_MANIFEST' });
  });

  it('refuses a round without updates, two updates of a site and weights that are no weights', async () => {
    await expect(aggregateRound(request([]))).rejects.toMatchObject({ code: 'ROUND_QUORUM_NOT_MET' });
    const same = update('s1', 1, global);
    await expect(aggregateRound(request([same, same]))).rejects.toThrow(RangeError);
    await expect(aggregateRound(request([update('s1', 0, global)]))).rejects.toThrow('images');
  });

  it('stops when told to and removes what it had begun', async () => {
    const stopped = request([update('s1', 1, global)], { out: { weightsPath: folder.file('stopped') } });
    await expect(aggregateRound(stopped, { signal: AbortSignal.abort(new Error('cancelled')) })).rejects.toThrow(
      'cancelled',
    );
    expect(readdirSync(folder.path).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });

  it('can be stopped after any window and done again, with the same bytes', async () => {
    const wide: ParameterEntry[] = [{ name: 'w', shape: [10_000] }];
    const values = Array.from({ length: 10_000 }, (_, i) => Math.sin(i) / 7);
    const whole = request([{ siteId: 's1', images: 1, path: folder.write('long', wide, values) }], {
      manifest: wide,
      globalPath: folder.write('long-global', wide, values),
      out: { weightsPath: folder.file('again') },
      windowBytes: 1,
    });
    const undisturbed = await aggregateRound(whole);
    for (const windows of [1, 4, 9]) {
      const stopping = new AbortController();
      let seen = 0;
      const onProgress = () => {
        seen++;
        if (seen === windows) stopping.abort(new Error('pulled the plug'));
      };
      const out = { weightsPath: folder.file('stopped-midway') };
      const stopped = aggregateRound({ ...whole, out }, { onProgress, signal: stopping.signal });
      await expect(stopped).rejects.toThrow('pulled the plug');
      expect(readdirSync(folder.path).filter((name) => name.startsWith('stopped-midway'))).toEqual([]);
      expect(await aggregateRound(whole)).toEqual(undisturbed);
    }
  });

  it('reports progress up to all bytes of all passes', async () => {
    const seen: number[] = [];
    const twoPasses = request([update('s1', 1, global)], { strategy: { kind: 'fedavg', clipNorm: 1 } });
    await aggregateRound(twoPasses, { onProgress: ({ bytesRead, totalBytes }) => seen.push(bytesRead / totalBytes) });
    expect(seen).toEqual([0.5, 1]);
  });
});
