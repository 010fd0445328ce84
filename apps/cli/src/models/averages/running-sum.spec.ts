import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeParameterFile } from '@tributary/safetensors';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningSum } from './running-sum.js';

describe('RunningSum', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'running-sum-'));
    const manifest = [
      { name: 'a', shape: [2] },
      { name: 'b', shape: [1, 2] },
    ];
    await writeParameterFile(at('first'), { manifest, flat: Float32Array.of(1, 2, 3, 4) });
    await writeParameterFile(at('second'), { manifest, flat: Float32Array.of(10, 20, 30, 40) });
    await writeParameterFile(at('longer'), {
      manifest: [{ name: 'a', shape: [5] }],
      flat: Float32Array.of(1, 2, 3, 4, 5),
    });
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function valuesOf(sum: RunningSum): Promise<number[]> {
    const values: number[] = [];
    for await (const window of sum.values()) values.push(...window);
    return values;
  }

  it('adds files with their weights, and keeps one sum on disk', async () => {
    const sum = await RunningSum.open({ folder, name: 'plan' });
    await sum.add(at('first'), 0.5);
    await sum.add(at('second'), -0.25);
    expect(await valuesOf(sum)).toEqual([-2, -4, -6, -8]);
    expect((await readdir(folder)).filter((name) => name.includes('plan'))).toEqual(['plan-2.sum']);
  });

  it('goes on after a crash with what was added whole, and only for the same summands', async () => {
    const before = await RunningSum.open({ folder, name: 'plan' });
    await before.add(at('first'), 1);
    await writeFile(at('plan-2.sum.part'), 'half of it');
    const after = await RunningSum.open({ folder, name: 'plan' });
    expect(after.count).toBe(1);
    await after.add(at('second'), 1);
    expect(await valuesOf(after)).toEqual([11, 22, 33, 44]);
    expect((await RunningSum.open({ folder, name: 'other' })).count).toBe(0);
  });

  it('refuses a file of another network and stays as it was', async () => {
    const sum = await RunningSum.open({ folder, name: 'plan' });
    await sum.add(at('first'), 1);
    await expect(sum.add(at('longer'), 1)).rejects.toMatchObject({ code: 'MODEL_VERIFY_FAILED' });
    expect(await valuesOf(sum)).toEqual([1, 2, 3, 4]);
  });
});
