import { describe, expect, it } from '@jest/globals';
import { progressCounter, type SamplingProgress } from './sampling-progress.js';

function counted(steps: number | null, events: readonly ('move' | 'image')[]): SamplingProgress[] {
  const seen: SamplingProgress[] = [];
  const counter = progressCounter({ imagesTotal: 3, batchSize: 2, steps, report: (progress) => seen.push(progress) });
  for (const event of events) counter[event]();
  return seen;
}

describe('progress of sampling', () => {
  it('tells every move of a batch once, and begins anew with the next batch', () => {
    const first = ['move', 'move', 'move', 'move', 'image', 'image'] as const;
    const last = ['move', 'move', 'image'] as const;
    const seen = counted(2, [...first, ...last]);
    expect(seen.map(({ imagesDone, movesDone, step }) => [imagesDone, movesDone, step])).toEqual([
      [0, 2, 1],
      [0, 4, 2],
      [1, 4, 2],
      [2, 4, 0],
      [2, 5, 1],
      [2, 6, 2],
      [3, 6, 0],
    ]);
    expect(seen.every(({ movesTotal, steps }) => movesTotal === 6 && steps === 2)).toBe(true);
  });

  it('counts the moves of a sampler that chooses them, and takes nothing for done but finished images', () => {
    const seen = counted(null, ['move', 'move', 'move', 'move', 'move', 'move', 'image']);
    expect(seen.map(({ movesDone, movesTotal, step, steps }) => [movesDone, movesTotal, step, steps])).toEqual([
      [0, 3, 1, null],
      [0, 3, 2, null],
      [0, 3, 3, null],
      [1, 3, 3, null],
    ]);
  });
});
