import { describe, expect, it } from '@jest/globals';
import { benchEngine } from './bench-engine.js';
import type { BenchSize } from './bench-step.js';

const TINY: BenchSize = {
  name: 'tiny',
  imageSize: 8,
  batch: 2,
  network: { channels: [8], attention: [false], blocksPerLevel: 1, groups: 4 },
};

describe('benchEngine', () => {
  it('reports both layouts of the engine', async () => {
    const lines: string[] = [];
    const report = await benchEngine({
      sizes: [TINY],
      threads: [1],
      rounds: 1,
      onProgress: (line) => lines.push(line),
    });
    expect(report.rows.map(({ contender, size, threads }) => [contender, size, threads])).toEqual([
      ['onnx, plain', 'tiny', 1],
      ['onnx, blocked', 'tiny', 1],
    ]);
    for (const row of report.rows) expect(row.trainImagesPerSecond).toBeGreaterThan(0);
    expect(lines).toHaveLength(2);
  }, 30_000);
});
