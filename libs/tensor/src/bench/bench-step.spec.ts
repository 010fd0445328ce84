import { describe, expect, it } from '@jest/globals';
import { openEngine } from '../engines/open-engine.js';
import { benchPrograms, type BenchSize } from './bench-step.js';

const TINY: BenchSize = {
  name: 'tiny',
  imageSize: 8,
  batch: 2,
  network: { channels: [8, 8], attention: [false, false], blocksPerLevel: 1, groups: 4 },
};

async function losses(
  name: 'onnx' | 'reference',
  { threads, steps }: { threads: number; steps: number },
): Promise<number[]> {
  const engine = await openEngine({ name, threads });
  const programs = await benchPrograms(engine, TINY);
  const seen: number[] = [];
  for (let step = 0; step < steps; step++) seen.push(await programs.train());
  await programs.sample();
  await programs.dispose();
  return seen;
}

/** Threads of ONNX Runtime spin while they wait: with other work on the machine, two can take seconds a step. */
const TIMEOUT_MS = 60_000;

describe('a recorded U-Net', () => {
  it(
    'has the losses of the eager one, step by step',
    async () => {
      const recorded = await losses('onnx', { threads: 1, steps: 2 });
      const eager = await losses('reference', { threads: 1, steps: 2 });
      recorded.forEach((loss, i) => expect(loss / (eager[i] ?? 0)).toBeCloseTo(1, 4));
      expect(recorded.at(-1)).toBeLessThan(recorded[0] ?? 0);
    },
    TIMEOUT_MS,
  );

  it(
    'has the same losses, bit for bit, with one thread and with two',
    async () => {
      expect(await losses('onnx', { threads: 2, steps: 2 })).toEqual(await losses('onnx', { threads: 1, steps: 2 }));
    },
    TIMEOUT_MS,
  );
});
