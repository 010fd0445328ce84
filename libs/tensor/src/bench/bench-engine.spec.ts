import { describe, expect, it } from '@jest/globals';
import { benchEngine } from './bench-engine.js';

describe('benchEngine', () => {
  it('reports both layouts of the engine', async () => {
    const lines: string[] = [];
    const report = await benchEngine({
      sizes: ['mini'],
      threads: [1],
      rounds: 1,
      onProgress: (line) => lines.push(line),
    });
    expect(report.rows.map(({ contender, size, threads }) => [contender, size, threads])).toEqual([
      ['onnx, plain', 'mini', 1],
      ['onnx, blocked', 'mini', 1],
    ]);
    for (const row of report.rows) expect(row.trainImagesPerSecond).toBeGreaterThan(0);
    expect(lines).toHaveLength(2);
  });

  it('refuses a size that is not there', async () => {
    await expect(benchEngine({ sizes: ['huge'] })).rejects.toThrow(RangeError);
  });
});
