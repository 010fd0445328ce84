import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { initialModel } from '../initial-model.js';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { worstDeviation } from '../reference-vectors.spec-support.js';
import { createNetworkProgram } from '../sampling/network-program.js';
import { markingBatchSize, withDynamicBatch } from './dynamic-batch.js';
import { exportOnnxDenoiser } from './export-onnx.js';

/** Files are synced to disk, which a busy machine may do slowly. */
jest.setTimeout(60_000);

const recipe = smallRecipe();
const { weights } = initialModel(recipe, 1);

let engine: Engine;
let directory: string;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
  directory = await mkdtemp(join(tmpdir(), 'onnx-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(directory, { recursive: true });
});

describe('the ONNX denoiser', () => {
  it('gives what the engine gives, for any number of images', async () => {
    const file = join(directory, 'denoiser.onnx');
    await exportOnnxDenoiser({ recipe, weights, classRows: SMALL_CLASS_ROWS, file });
    const session = await ort.InferenceSession.create(file);
    expect(session.inputNames.toSorted()).toEqual(['class_labels', 'sample', 'timestep']);
    expect(session.outputNames).toEqual(['out_sample']);

    const program = await createNetworkProgram({ engine, recipe, classRows: SMALL_CLASS_ROWS, batchSize: 3 });
    program.setWeights(weights);
    const requests = Array.from({ length: 3 }, (_, i) => ({
      image: Float64Array.from({ length: 64 }, (_unused, k) => Math.sin(0.3 * k + i)),
      noiseLevel: 0.4 * i - 0.5,
      classRow: i,
    }));
    const expected = await program.evaluate(requests);
    await program.dispose();
    for (const batch of [requests, requests.slice(2)]) {
      const { out_sample: output } = await session.run({
        sample: new ort.Tensor(
          'float32',
          batch.flatMap(({ image }) => [...image]),
          [batch.length, 1, 8, 8],
        ),
        timestep: new ort.Tensor(
          'float32',
          batch.map(({ noiseLevel }) => noiseLevel),
          [batch.length],
        ),
        class_labels: new ort.Tensor(
          'int32',
          batch.map(({ classRow }) => classRow),
          [batch.length],
        ),
      });
      const values = output?.data instanceof Float32Array ? output.data : new Float32Array();
      expect(output?.dims).toEqual([batch.length, 1, 8, 8]);
      expect(
        worstDeviation(
          values,
          expected.slice(-batch.length).flatMap((image) => [...image]),
        ),
      ).toBeLessThan(1e-5);
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
