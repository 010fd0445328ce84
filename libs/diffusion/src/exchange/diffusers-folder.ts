import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';
import type { UNetConfig } from '../network/unet-config.js';
import type { RawOutput } from '../parameterisation/raw-output.js';
import { PREDICTION_TYPES, unetConfigFile } from './diffusers-config.js';

const CONFIG_FILE = 'config.json';
const WEIGHTS_FILE = 'diffusion_pytorch_model.safetensors';
/** Where a pipeline keeps its network; the first models of diffusers lie at the top. */
const NETWORK_FOLDERS = ['unet', '.'];
const SCHEDULER_FILES = [join('scheduler', 'scheduler_config.json'), 'scheduler_config.json'];

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
  '_class_name',
  '_diffusers_version',
  'sample_size',
  'dropout',
  'class_embed_type',
  'num_class_embeds',
]);

/** The fields of a recipe behind those of `UNet2DModel`; the others cannot be chosen. */
const RECIPE_FIELDS: Readonly<Record<string, string>> = {
  in_channels: 'image.channels',
  out_channels: 'image.channels',
  time_embedding_type: 'network.timeEmbedding',
  freq_shift: 'network.frequencyShift',
  flip_sin_to_cos: 'network.flipSinToCos',
  down_block_types: 'network.attention',
  up_block_types: 'network.attention',
  block_out_channels: 'network.blockOutChannels',
  layers_per_block: 'network.layersPerBlock',
  downsample_padding: 'network.downsamplePadding',
  downsample_type: 'network.resample',
  upsample_type: 'network.resample',
  attention_head_dim: 'network.attentionHeadDim',
  norm_num_groups: 'network.normGroups',
  norm_eps: 'network.normEpsilon',
  resnet_time_scale_shift: 'network.timeScaleShift',
};

/** A folder that diffusers' `UNet2DModel.from_pretrained` opens. */
export interface DiffusersFolder {
  readonly network: Readonly<Record<string, unknown>>;
  /** Of the scheduler that it was trained with; undefined when there is none. */
  readonly predictionType: string | undefined;
  readonly weightsPath: string;
}

/** What a network must be for a model's weights to fit. */
export interface WantedNetwork {
  readonly config: UNetConfig;
  /** What the run takes the raw output for, as `rawOutputOf` tells it. */
  readonly output: RawOutput;
}

/**
 * Reads the configurations of a diffusers folder.
 *
 * @throws TributaryError START_MODEL_UNFIT when it is none, or its weights are no safetensors.
 */
export async function openDiffusersFolder(directory: string): Promise<DiffusersFolder> {
  const folder = NETWORK_FOLDERS.find((name) => existsSync(join(directory, name, CONFIG_FILE)));
  if (folder === undefined) throw unfit(`there is no unet/${CONFIG_FILE}, nor a ${CONFIG_FILE}`);
  const network = await readJson(join(directory, folder), CONFIG_FILE, networkFileSchema);
  const weightsPath = join(directory, folder, WEIGHTS_FILE);
  if (!existsSync(weightsPath)) throw unfit(`there is no ${WEIGHTS_FILE} beside its ${CONFIG_FILE}`);
  const schedulerFile = SCHEDULER_FILES.find((name) => existsSync(join(directory, name)));
  if (schedulerFile === undefined) return { network, predictionType: undefined, weightsPath };
  const scheduler = await readJson(directory, schedulerFile, schedulerFileSchema);
  return { network, predictionType: scheduler.prediction_type, weightsPath };
}

/** @throws TributaryError START_MODEL_UNFIT naming the fields that differ, as the recipe calls them. */
export function assertSameNetwork(model: DiffusersFolder, { config, output }: WantedNetwork): void {
  const faults = [...networkFaults(model, config), ...outputFaults(model, output)];
  if (faults.length > 0) throw unfit(faults.join('; '));
}

function networkFaults({ network }: DiffusersFolder, config: UNetConfig): string[] {
  return Object.entries(unetConfigFile(config)).flatMap(([field, wanted]) => {
    if (FREE_FIELDS.has(field)) return [];
    const found = JSON.stringify(field in network ? network[field] : (DIFFUSERS_DEFAULTS[field] ?? null));
    if (found === JSON.stringify(wanted)) return [];
    const recipeField = RECIPE_FIELDS[field];
    const asked = recipeField === undefined ? 'runs only have' : `${recipeField} of the recipe makes it`;
    return [`${field} is ${found} in the model, ${asked} ${JSON.stringify(wanted)}`];
  });
}

function outputFaults({ predictionType }: DiffusersFolder, output: RawOutput): string[] {
  const wanted = PREDICTION_TYPES[output];
  if (wanted === undefined || predictionType === undefined || predictionType === wanted) return [];
  return [
    `prediction_type is ${predictionType} in the model's scheduler, the recipe's raw output is ${wanted} (objective.prediction and objective.output)`,
  ];
}

async function readJson<Content>(directory: string, file: string, schema: z.ZodType<Content>): Promise<Content> {
  try {
    return schema.parse(JSON.parse(await readFile(join(directory, file), 'utf8')));
  } catch (error) {
    const detail = `${file} is not the configuration of a UNet2DModel or of its scheduler`;
    throw new TributaryError('START_MODEL_UNFIT', { detail }, { cause: error });
  }
}

function unfit(detail: string): TributaryError {
  return new TributaryError('START_MODEL_UNFIT', { detail });
}
