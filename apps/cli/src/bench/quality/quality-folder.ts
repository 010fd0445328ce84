import { TributaryError } from '@tributary/protocol/errors';
import { SAMPLER_NAMES, samplerSettingsSchema } from '@tributary/protocol/samplers';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError } from '../../system-error.js';
import { writeWholeFile } from '../../whole-file.js';

const scores = {
  images: z.int(),
  fd: z.number(),
  kid: z.number(),
  fdToMean: z.number(),
  fdToNoise: z.number(),
  noisy: z.number(),
  smooth: z.number(),
};

const recordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('training'), case: z.string(), loss: z.number(), seconds: z.number() }),
  z.object({ kind: z.literal('reference'), name: z.string(), ...scores }),
  z.object({
    kind: z.literal('sampling'),
    case: z.string(),
    name: z.string(),
    sampler: z.enum(SAMPLER_NAMES),
    steps: z.int(),
    settings: samplerSettingsSchema,
    evaluations: z.int().nullable(),
    seconds: z.number(),
    ...scores,
  }),
]);
export type QualityRecord = z.infer<typeof recordSchema>;
export type TrainingRecord = Extract<QualityRecord, { kind: 'training' }>;
export type SamplingRecord = Extract<QualityRecord, { kind: 'sampling' }>;

/** The record of a training, if it is finished. */
export function trainingOf(records: readonly QualityRecord[], name: string): TrainingRecord | undefined {
  return records.flatMap((record) => (record.kind === 'training' && record.case === name ? [record] : []))[0];
}

/** The records of the samplings of a training, as they were made. */
export function samplingsOf(records: readonly QualityRecord[], name: string): SamplingRecord[] {
  return records.flatMap((record) => (record.kind === 'sampling' && record.case === name ? [record] : []));
}

/** What is finished, and the files that later steps need: a bench that was stopped goes on from here. */
export interface QualityFolder {
  readonly records: readonly QualityRecord[];
  pathOf(...names: readonly string[]): string;
  add(record: QualityRecord): Promise<void>;
  readFloats(name: string): Promise<Float32Array>;
  writeFloats(name: string, values: Float32Array): Promise<void>;
}

/**
 * Opens the folder of a bench, made if it is not there.
 *
 * @param settings What every record of the folder has in common.
 * @throws TributaryError USAGE_INVALID when the folder holds results of other settings.
 */
export async function openQualityFolder(directory: string, settings: object): Promise<QualityFolder> {
  await mkdir(directory, { recursive: true });
  const asked = JSON.stringify(settings);
  const found = await textOf(join(directory, 'settings.json'));
  if (found !== undefined && found !== asked) {
    throw new TributaryError('USAGE_INVALID', { detail: `--out holds results of other settings: ${found}` });
  }
  await writeWholeFile(join(directory, 'settings.json'), asked);
  const recordsFile = join(directory, 'records.ndjson');
  const lines = ((await textOf(recordsFile)) ?? '').split('\n').filter((line) => line !== '');
  const records = lines.map((line) => recordSchema.parse(JSON.parse(line)));
  return {
    records,
    pathOf: (...names) => join(directory, ...names),
    add: async (record) => {
      await appendFile(recordsFile, `${JSON.stringify(record)}\n`);
      records.push(record);
    },
    readFloats: async (name) => {
      const bytes = await readFile(join(directory, `${name}.f32`));
      return new Float32Array(Uint8Array.from(bytes).buffer);
    },
    writeFloats: (name, values) =>
      writeWholeFile(
        join(directory, `${name}.f32`),
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      ),
  };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
