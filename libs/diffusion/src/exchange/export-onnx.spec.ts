import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { initialModel } from '../initial-model.js';
import { buildNetwork } from '../network/build-network.js';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createSampler } from '../sampling/generator.js';
import { karrasSigmas } from '../schedules/sigma-schedule.js';
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

  it('is enough to draw the image of a seed elsewhere, as docs/how-to-generate-images.md shows', async () => {
    const file = join(directory, 'drawn.onnx');
    const classRows = SMALL_CLASS_ROWS;
    const trained = buildNetwork(recipe, classRows).initial(5);
    await exportOnnxDenoiser({ recipe, weights: trained, classRows, file });
    const session = await node.InferenceSession.create(file);
    const steps = 10;
    const sigmaData = 0.5;
    const sigmas = [...karrasSigmas(steps, { sigmaMin: 0.002, sigmaMax: 80 }), 0];
    const noise = new Float32Array(64);
    randomStream(9, 'sampling').fillNormal(noise);
    let x = [...noise].map((z) => z * 80);
    for (const [i, sigma] of sigmas.slice(0, -1).entries()) {
      const variance = sigma ** 2 + sigmaData ** 2;
      const { out_sample: output } = await session.run({
        sample: new node.Tensor(
          'float32',
          x.map((value) => value / Math.sqrt(variance)),
          [1, 1, 8, 8],
        ),
        timestep: new node.Tensor('float32', [Math.log(sigma) / 4], [1]),
        class_labels: new node.Tensor('int32', [1], [1]),
      });
      const raw = output?.data instanceof Float32Array ? output.data : new Float32Array();
      x = x.map((value, k) => {
        const denoised =
          (sigmaData ** 2 * value) / variance + ((sigma * sigmaData) / Math.sqrt(variance)) * (raw[k] ?? NaN);
        return value + (((sigmas[i + 1] ?? NaN) - sigma) * (value - denoised)) / sigma;
      });
    }
    await session.release();

    const engine = await openEngine({ name: 'onnx', threads: 1 });
    const generator = await createSampler({ engine, recipe, classRows, weights: trained });
    const request = { seeds: [9], classRows: Int32Array.of(1), sampler: 'euler', steps } as const;
    const [ours = []] = await generator.generate(request);
    await generator.dispose();
    await engine.dispose();
    expect(largestDifference(x, ours)).toBeLessThan(1e-3);
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
