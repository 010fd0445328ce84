import { describe, expect, it } from '@jest/globals';
import type { ModelVersion } from '@tributary/protocol/http';
import { keptAverages, partsOfAverage } from './kept-averages.js';

const sha256Of = (round: number, width: number): string => `${round} ${width}`;
const widths = [0.1, 0.05];

function versionAfter(round: number, pruned = false): ModelVersion {
  const blob = (width: number) => ({ sha256: sha256Of(round, width), sizeBytes: 8 });
  return {
    version: `run-4f3a9c1d/${round}`,
    runId: 'run-4f3a9c1d',
    round,
    weights: blob(0),
    ema: blob(0.1),
    averages: [{ width: 0.05, ...blob(0.05) }],
    createdAt: '2026-11-22T18:00:00Z',
    prunedAt: pruned ? '2026-11-22T18:00:00Z' : null,
    released: false,
  };
}

const settings = { kind: 'power-function' as const, widths };
const everyTenth = Array.from({ length: 21 }, (_, i) => versionAfter(10 * i));

describe('the averages that are kept of a run', () => {
  it('are those of versions with files, from the first round to the wanted one', () => {
    const kept = keptAverages([...everyTenth, versionAfter(205, true), versionAfter(210)], settings, 20);
    expect(kept.map(({ round, width }) => [round, width])).toEqual([
      [10, 0.1],
      [10, 0.05],
      [20, 0.1],
      [20, 0.05],
    ]);
  });

  it('need nothing but themselves where one has the wanted width', () => {
    const kept = keptAverages(everyTenth, settings, 200);
    expect(partsOfAverage(kept, { round: 200, width: 0.05 })).toEqual({
      parts: [{ round: 200, width: 0.05, sha256: sha256Of(200, 0.05), weight: 1 }],
      residual: 0,
    });
  });

  it('refuse a width that they are far from, and name those that they reach', () => {
    const kept = keptAverages(everyTenth, settings, 200);
    expect(partsOfAverage(kept, { round: 200, width: 0.15 }).residual).toBeLessThan(0.01);
    expect(() => partsOfAverage(kept, { round: 200, width: 0.27 })).toThrow(
      expect.objectContaining({ code: 'EMA_WIDTH_UNREACHABLE', message: expect.stringMatching(/0\.05, .*0\.2, /) }),
    );
  });

  it('refuse everything where none is kept', () => {
    expect(() => partsOfAverage([], { round: 1, width: 0.1 })).toThrow(
      expect.objectContaining({ code: 'EMA_WIDTH_UNREACHABLE' }),
    );
  });
});
