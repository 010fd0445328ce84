import { TributaryError } from '@tributary/protocol/errors';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { readParameterFile } from '@tributary/safetensors';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { initialParameter, sizeOf } from '../network/parameter.js';
import type { UNetConfig } from '../network/unet-config.js';
import { CLASS_ROWS, unetParameters } from '../network/unet-parameters.js';
import { unetStructure } from '../network/unet-structure.js';
import type { RawOutput } from '../parameterisation/raw-output.js';
import { PREDICTION_TYPES, unetConfigFile } from './diffusers-config.js';
import { DIFFUSERS_FILES } from './export-diffusers.js';

const { networkConfig: NETWORK_CONFIG_FILE, scheduler: SCHEDULER_FILE, weights: WEIGHTS_FILE } = DIFFUSERS_FILES;

const networkFileSchema = z.looseObject({ _class_name: z.literal('UNet2DModel') });

/** Schedulers that do not say otherwise take the raw output for the noise. */
const schedulerFileSchema = z.looseObject({ prediction_type: z.string().default('epsilon') });

/** What `UNet2DModel` takes for a field that its configuration does not name. */
const DIFFUSERS_DEFAULTS: Readonly<Record<string, unknown>> = {
  center_input_sample: false,
  time_embedding_type: 'positional',
  freq_shift: 0,
  flip_sin_to_cos: true,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  downsample_padding: 1,
  downsample_type: 'conv',
  upsample_type: 'conv',
  act_fn: 'silu',
  attention_head_dim: 8,
  norm_num_groups: 32,
  norm_eps: 1e-5,
  resnet_time_scale_shift: 'default',
  add_attention: true,
};

/** Fields that do not change what the network computes, or that a run may set anew. */
const FREE_FIELDS: ReadonlySet<string> = new Set([
  '_diffusers_version',
  'sample_size',
  'dropout',
  'class_embed_type',
  'num_class_embeds',
]);

/** Names of attention layers before diffusers 0.15. */
const FORMER_NAMES: readonly (readonly [former: RegExp, name: string])[] = [
  [/\.query\./, '.to_q.'],
  [/\.key\./, '.to_k.'],
  [/\.value\./, '.to_v.'],
  [/\.proj_attn\./, '.to_out.0.'],
];

export interface DiffusersImport {
  /** Folder with `unet/config.json`, `unet/diffusion_pytorch_model.safetensors` and, if it is there, `scheduler/scheduler_config.json`. */
  readonly directory: string;
  /** The network that the weights are for. */
  readonly config: UNetConfig;
  /** What the run takes the raw output for, as `rawOutputOf` tells it. */
  readonly output: RawOutput;
  /** Seed of the class rows when the model was trained on other classes. */
  readonly seed: number;
}

/**
 * Weights of a diffusers `UNet2DModel` as one flat vector in manifest order, to start a run from.
 * A class embedding with another number of rows starts afresh: its rows stand for other classes.
 *
 * @throws TributaryError `MODEL_INVALID` naming the fields or tensors that differ, or another raw output; `SAFETENSORS_INVALID` for a broken file.
 */
export async function importDiffusers({ directory, config, output, seed }: DiffusersImport): Promise<Float32Array> {
  assertSameNetwork(await readJson(directory, NETWORK_CONFIG_FILE, networkFileSchema), config);
  await assertSameOutput(directory, output);
  const { manifest, flat } = await readParameterFile(join(directory, WEIGHTS_FILE), { order: 'any' });
  const found = new Map<string, Float32Array>();
  let offset = 0;
  for (const { name, shape } of manifest) {
    found.set(presentName(name), flat.subarray(offset, offset + sizeOf(shape)));
    offset += sizeOf(shape);
  }
  const parts = unetParameters(unetStructure(config)).map((parameter) => {
    const size = sizeOf(parameter.shape);
    const values = found.get(parameter.name);
    found.delete(parameter.name);
    if (values?.length === size) return values;
    if (parameter.name === CLASS_ROWS) return initialParameter(parameter, seed);
    throw invalid(`${parameter.name} ${values ? `has ${values.length} values` : 'is missing'}, ${size} are wanted`);
  });
  found.delete(CLASS_ROWS);
  const [extra] = found.keys();
  if (extra !== undefined) throw invalid(`it holds ${extra}, which the network does not have`);
  return concatenated(parts);
}

async function readJson<Content>(directory: string, file: string, schema: z.ZodType<Content>): Promise<Content> {
  try {
    return schema.parse(JSON.parse(await readFile(join(directory, file), 'utf8')));
  } catch (error) {
    throw new TributaryError(
      'MODEL_INVALID',
      { detail: `${file} is not the configuration of a UNet2DModel or of its scheduler` },
      { cause: error },
    );
  }
}

async function assertSameOutput(directory: string, output: RawOutput): Promise<void> {
  const wanted = PREDICTION_TYPES[output];
  if (wanted === undefined || !existsSync(join(directory, SCHEDULER_FILE))) return;
  const { prediction_type: found } = await readJson(directory, SCHEDULER_FILE, schedulerFileSchema);
  if (found === wanted) return;
  throw invalid(
    `its scheduler has prediction_type ${found}, the recipe's raw output is ${wanted}: objective.prediction and objective.output say it`,
  );
}

function assertSameNetwork(found: Readonly<Record<string, unknown>>, config: UNetConfig): void {
  const differing = Object.entries(unetConfigFile(config)).filter(([field, wanted]) => {
    if (FREE_FIELDS.has(field)) return false;
    const value = found[field] ?? DIFFUSERS_DEFAULTS[field] ?? null;
    return JSON.stringify(value) !== JSON.stringify(wanted);
  });
  if (differing.length > 0) {
    const list = differing.map(([field, wanted]) => `${field} must be ${JSON.stringify(wanted)}`).join('; ');
    throw invalid(`another network than the recipe's: ${list}`);
  }
}

function presentName(name: string): string {
  return FORMER_NAMES.reduce((current, [former, present]) => current.replace(former, present), name);
}

function invalid(detail: string): TributaryError {
  return new TributaryError('MODEL_INVALID', { detail });
}
