import { openEngine } from '@tributary/engines';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { buildNetwork } from '../network/build-network.js';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createNetworkProgram } from '../sampling/network-program.js';
import { exportOnnxDenoiser } from './export-onnx.js';

/** What a runtime is given, and what it must answer. */
export interface DenoiserBatch {
  /** Inputs of the ONNX file by name. */
  readonly inputs: Readonly<Record<string, DenoiserInput>>;
  /** `out_sample`, which is as large as `sample`, of the recorded network run eagerly. */
  readonly expected: readonly number[];
}

export interface DenoiserInput {
  readonly type: 'float32' | 'int32';
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

export interface DenoiserCase {
  readonly name: string;
  /** 0: the network knows no classes. */
  readonly classRows: number;
  readonly changes: Partial<RecipeInput>;
}

export const DENOISER_CASES: readonly DenoiserCase[] = [
  { name: 'with classes', classRows: SMALL_CLASS_ROWS, changes: {} },
  { name: 'without classes, in colour', classRows: 0, changes: { image: { sizePx: 8, channels: 3 } } },
];

/** Images at once: one, and a number that is no power of two. */
const BATCH_SIZES = [1, 3];

/** Largest difference between runtimes of the same network that is still rounding. */
export const DENOISER_TOLERANCE = 1e-4;

/** Writes a small random network to `file` and gives batches with our own forward pass of them. */
export async function exportedDenoiser({ classRows, changes }: DenoiserCase, file: string): Promise<DenoiserBatch[]> {
  const recipe = smallRecipe(changes);
  const weights = buildNetwork(recipe, classRows).initial(5);
  await exportOnnxDenoiser({ recipe, weights, classRows, file });
  const engine = await openEngine({ name: 'reference' });
  const batches: DenoiserBatch[] = [];
  for (const batchSize of BATCH_SIZES) {
    const { sizePx, channels } = recipe.image;
    const pixels = sizePx ** 2;
    const requests = Array.from({ length: batchSize }, (_, i) => ({
      image: Float64Array.from({ length: pixels * channels }, (_unused, k) => Math.sin(0.3 * k + i)),
      noiseLevel: 0.4 * i - 0.5,
      classRow: classRows === 0 ? 0 : (i + 1) % classRows,
    }));
    const program = await createNetworkProgram({ engine, recipe, classRows, batchSize });
    program.setWeights(weights);
    const outputs = await program.evaluate(requests);
    await program.dispose();
    const sample = requests.flatMap(({ image }) => planar(image, channels));
    const noiseLevels = requests.map(({ noiseLevel }) => noiseLevel);
    const labels = requests.map(({ classRow }) => classRow);
    const shape = [batchSize];
    batches.push({
      inputs: {
        sample: { type: 'float32', values: sample, shape: [batchSize, channels, sizePx, sizePx] },
        timestep: { type: 'float32', values: noiseLevels, shape },
        ...(classRows > 0 && { class_labels: { type: 'int32', values: labels, shape } }),
      },
      expected: outputs.flatMap((output) => planar(output, channels)),
    });
  }
  await engine.dispose();
  return batches;
}

/** [pixels, channels] as [channels, pixels]. */
function planar(image: Float64Array, channels: number): number[] {
  return Array.from({ length: channels }, (_, channel) =>
    [...image].filter((_value, i) => i % channels === channel),
  ).flat();
}

/** Largest absolute difference; infinite when the sizes differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);
}
