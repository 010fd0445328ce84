import { describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/tensor';
import { benchPrograms, type BenchSize } from '@tributary/tensor/bench/bench-step';

const TINY: BenchSize = {
  name: 'tiny',
  imageSize: 8,
  batch: 2,
  network: { channels: [8], attention: [false], blocksPerLevel: 1, groups: 4 },
};

const MINUTE_MS = 60_000;
/** The tiny network learns its two images by heart: at the end, losses are differences of rounded numbers. */
const ROUNDING = 1e-7;
const MEBIBYTE = 2 ** 20;

async function lossCurve(name: 'onnx' | 'reference', steps: number): Promise<number[]> {
  const engine = await openEngine({ name, threads: 1 });
  const programs = await benchPrograms(engine, TINY);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) losses.push(await programs.train());
  await programs.dispose();
  await engine.dispose();
  return losses;
}

describe('training', () => {
  it(
    'has the loss curve of the eager reference for 200 steps, to 1e-3',
    async () => {
      const recorded = await lossCurve('onnx', 200);
      const eager = await lossCurve('reference', 200);
      recorded.forEach((loss, i) => {
        const expected = eager[i] ?? Number.NaN;
        expect(Math.abs(loss - expected)).toBeLessThan(1e-3 * expected + ROUNDING);
      });
      expect(recorded.at(-1)).toBeLessThan((recorded[0] ?? 0) / 2);
    },
    20 * MINUTE_MS,
  );

  it('repeats bit for bit', async () => {
    expect(await lossCurve('onnx', 50)).toEqual(await lossCurve('onnx', 50));
  });

  it(
    'holds its memory over 5,000 steps: resident set within 3 % and 4 MiB of that after 500',
    async () => {
      const engine = await openEngine({ name: 'onnx', threads: 1 });
      const programs = await benchPrograms(engine, TINY);
      const residentAfter = async (steps: number) => {
        for (let step = 0; step < steps; step++) await programs.train();
        globalThis.gc?.();
        return process.memoryUsage.rss();
      };
      const early = await residentAfter(500);
      const late = await residentAfter(4_500);
      expect(late).toBeLessThan(1.03 * early + 4 * MEBIBYTE);
      await programs.dispose();
    },
    20 * MINUTE_MS,
  );
});
