import { readFile } from 'node:fs/promises';
import { decodeSafetensorsHeader, encodeSafetensorsHeader, type TensorEntry } from '@tributary/protocol/safetensors';
import { TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { writeFileAtomically } from '../durable-files/write-file-atomically.js';
import { bytesOf, float32At } from './weights-file.js';

/** Flat float32 vectors by name, and a few numbers: what a checkpoint or the optimiser's moments consist of. */
export interface TrainingState {
  readonly vectors: Readonly<Record<string, Float32Array>>;
  readonly numbers: Readonly<Record<string, number>>;
}

const numbersSchema = z.record(z.string(), z.number());

/** Writes a safetensors file; on the disk when it returns. */
export async function writeTrainingState(path: string, { vectors, numbers }: TrainingState): Promise<void> {
  const names = Object.keys(vectors).sort();
  const values = names.map((name) => vectors[name] ?? new Float32Array(0));
  const entries = names.map((name, index): TensorEntry => ({
    name,
    dtype: 'F32',
    shape: [values[index]?.length ?? 0],
  }));
  const header = encodeSafetensorsHeader(entries, { numbers: JSON.stringify(numbers) });
  await writeFileAtomically(path, [header, ...values.map(bytesOf)]);
}

/**
 * @returns undefined where there is no such file.
 * @throws TributaryError SAFETENSORS_INVALID.
 */
export async function readTrainingState(path: string): Promise<TrainingState | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const { entries, metadata, headerBytes } = decodeSafetensorsHeader(bytes);
  const numbers = numbersSchema.parse(JSON.parse(metadata['numbers'] ?? '{}'));
  const vectors = entries.map(({ name, begin, end }) => [name, float32At(bytes, headerBytes + begin, end - begin)]);
  return { vectors: Object.fromEntries(vectors), numbers };
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
