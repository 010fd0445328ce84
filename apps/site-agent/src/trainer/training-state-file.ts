import { access } from 'node:fs/promises';
import type { OptimiserState } from '@tributary/diffusion';
import { TributaryError } from '@tributary/protocol';
import { readParameterFile, writeParameterFile } from '@tributary/safetensors';
import { z } from 'zod';

/** Flat float32 vectors by name, and a few numbers: what a checkpoint or the optimiser's moments consist of. */
export interface TrainingState {
  readonly vectors: Readonly<Record<string, Float32Array>>;
  readonly numbers: Readonly<Record<string, number>>;
}

const numbersSchema = z.record(z.string(), z.number());

/** Writes a safetensors file; on the disk when it returns. */
export async function writeTrainingState(path: string, { vectors, numbers }: TrainingState): Promise<void> {
  const parts = Object.entries(vectors).sort(([a], [b]) => (a < b ? -1 : 1));
  const flat = new Float32Array(parts.reduce((length, [, vector]) => length + vector.length, 0));
  let begin = 0;
  for (const [, vector] of parts) {
    flat.set(vector, begin);
    begin += vector.length;
  }
  const manifest = parts.map(([name, vector]) => ({ name, shape: [vector.length] }));
  await writeParameterFile(path, { manifest, flat, metadata: { numbers: JSON.stringify(numbers) } });
}

/**
 * @returns undefined where there is no such file.
 * @throws TributaryError SAFETENSORS_INVALID.
 */
export async function readTrainingState(path: string): Promise<TrainingState | undefined> {
  if (!(await exists(path))) return undefined;
  const { manifest, flat, metadata } = await readParameterFile(path);
  const vectors: Record<string, Float32Array> = {};
  let begin = 0;
  for (const { name, shape } of manifest) {
    const end = begin + (shape[0] ?? 0);
    vectors[name] = flat.subarray(begin, end);
    begin = end;
  }
  const numbers: unknown = JSON.parse(metadata['numbers'] ?? '{}');
  return { vectors, numbers: numbersSchema.parse(numbers) };
}

/** @throws TributaryError SAFETENSORS_INVALID when the vector is not there. */
export function vectorOf({ vectors }: TrainingState, name: string): Float32Array {
  const vector = vectors[name];
  if (vector === undefined) throw new TributaryError('SAFETENSORS_INVALID', { detail: `${name} is missing` });
  return vector;
}

/** @throws TributaryError SAFETENSORS_INVALID when the number is not there. */
export function numberOf({ numbers }: TrainingState, name: string): number {
  const number = numbers[name];
  if (number === undefined) throw new TributaryError('SAFETENSORS_INVALID', { detail: `${name} is missing` });
  return number;
}

/** The loss scale as numbers of a training state; none in float32. */
export function lossScaleNumbers({ lossScale }: OptimiserState): Record<string, number> {
  return lossScale ? { lossScale: lossScale.scale, goodSteps: lossScale.goodSteps } : {};
}

/** What `lossScaleNumbers` kept. */
export function lossScaleOf({ numbers }: TrainingState): Pick<OptimiserState, 'lossScale'> {
  const { lossScale: scale, goodSteps } = numbers;
  return scale === undefined || goodSteps === undefined ? {} : { lossScale: { scale, goodSteps } };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
