import { TributaryError } from '@tributary/protocol/errors';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { readParameterFile } from '@tributary/safetensors';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { initialParameter, sizeOf } from '../network/parameter.js';
import type { UNetConfig } from '../network/unet-config.js';
import { CLASS_ROWS, unetParameters } from '../network/unet-parameters.js';
import { unetStructure } from '../network/unet-structure.js';
import { unetConfigFile } from './diffusers-config.js';

const NETWORK_CONFIG_FILE = join('unet', 'config.json');
const WEIGHTS_FILE = join('unet', 'diffusion_pytorch_model.safetensors');

const configFileSchema = z.looseObject({ _class_name: z.literal('UNet2DModel') });

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
  /** Folder with `unet/config.json` and `unet/diffusion_pytorch_model.safetensors`. */
  readonly directory: string;
  /** The network that the weights are for. */
  readonly config: UNetConfig;
  /** Seed of the class rows when the model was trained on other classes. */
  readonly seed: number;
}

/**
 * Weights of a diffusers `UNet2DModel` as one flat vector in manifest order, to start a run from.
 * A class embedding with another number of rows starts afresh: its rows stand for other classes.
 *
 * @throws TributaryError `MODEL_INVALID` naming the fields or tensors that differ; `SAFETENSORS_INVALID` for a broken file.
 */
export async function importDiffusers({ directory, config, seed }: DiffusersImport): Promise<Float32Array> {
  assertSameNetwork(await readConfig(directory), config);
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

async function readConfig(directory: string): Promise<z.infer<typeof configFileSchema>> {
  try {
    return configFileSchema.parse(JSON.parse(await readFile(join(directory, NETWORK_CONFIG_FILE), 'utf8')));
  } catch (error) {
    throw new TributaryError(
      'MODEL_INVALID',
      { detail: `${NETWORK_CONFIG_FILE} is not the configuration of a UNet2DModel` },
      { cause: error },
    );
  }
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
