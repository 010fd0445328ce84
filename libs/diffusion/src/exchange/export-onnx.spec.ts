import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { initialModel } from '../initial-model.js';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { markingBatchSize, withDynamicBatch } from './dynamic-batch.js';
import { exportOnnxDenoiser } from './export-onnx.js';
import {
  DENOISER_CASES,
  DENOISER_TOLERANCE,
  exportedDenoiser,
  largestDifference,
  type DenoiserCase,
} from './exported-denoiser.spec-support.js';

/** Files are synced to disk, which a busy machine may do slowly. */
jest.setTimeout(60_000);

const recipe = smallRecipe();
const { weights } = initialModel(recipe, 1);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onnx-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** The part of ONNX Runtime's interface that all its packages share. */
type Runtime = Pick<typeof node, 'InferenceSession' | 'Tensor'>;

describe('the ONNX denoiser', () => {
  it.each<[string, DenoiserCase, Runtime]>(
    DENOISER_CASES.flatMap((denoiser) => [
      [`${denoiser.name} in onnxruntime-node`, denoiser, node],
      [`${denoiser.name} in onnxruntime-web`, denoiser, web],
    ]),
  )('%s gives our forward pass, for any number of images', async (name, denoiser, { InferenceSession, Tensor }) => {
    const file = join(directory, `${name}.onnx`);
    const batches = await exportedDenoiser(denoiser, file);
    const session = await InferenceSession.create(await readFile(file));
    expect(session.outputNames).toEqual(['out_sample']);
    for (const { inputs, expected } of batches) {
      expect(session.inputNames.toSorted()).toEqual(Object.keys(inputs).toSorted());
      const feeds = Object.entries(inputs).map(([input, { type, values, shape }]): [string, node.Tensor] => [
        input,
        new Tensor(type, values, shape),
      ]);
      const { out_sample: output } = await session.run(Object.fromEntries(feeds));
      const values = output?.data instanceof Float32Array ? output.data : new Float32Array();
      expect(output?.dims).toEqual(inputs['sample']?.shape);
      expect(largestDifference(values, expected)).toBeLessThan(DENOISER_TOLERANCE);
    }
    await session.release();
  });

  it('refuses weights of another network', async () => {
    const request = { recipe, weights: weights.subarray(1), classRows: SMALL_CLASS_ROWS, file: join(directory, 'x') };
    await expect(exportOnnxDenoiser(request)).rejects.toThrow(/weights/);
  });

  it('refuses a constant that has the size of the batch', () => {
    const input = { id: 0, name: 'x', shape: [61], type: 'float32' } as const;
    const ones = { id: 1, name: 'ones', shape: [61], type: 'float32', data: [] } as const;
    const node = { op: 'Add', domain: '', inputs: [input, ones], outputs: [{ ...input, id: 2 }], attributes: {} };
    expect(() => withDynamicBatch({ nodes: [node], inputs: [input], outputs: [] }, 61)).toThrow(/Add/);
    expect(() => withDynamicBatch({ nodes: [], inputs: [], outputs: [] }, 61)).toThrow(/no input/);
  });

  it('marks the batch with a prime that is in no length of the network', () => {
    expect(markingBatchSize([64, 122, 3])).toBe(67);
    expect(() => markingBatchSize([61 * 67 * 71 * 73, 79 * 83 * 89 * 97])).toThrow(RangeError);
  });
});
