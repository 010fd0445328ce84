import type { Recipe } from '@tributary/protocol';
import type { UNetConfig } from '../network/unet-config.js';
import { rawOutputOf, type RawOutput } from '../parameterisation/raw-output.js';

/** The release of diffusers whose file format is written and whose numbers the tests compare with. */
const DIFFUSERS_VERSION = '0.42.1';

type Json = Readonly<Record<string, unknown>>;

/** `unet/config.json`: the constructor arguments of `UNet2DModel`; diffusers has no class for the networks of volumes. */
export function unetConfigFile(config: UNetConfig): Json {
  return {
    _class_name: config.depth === undefined ? 'UNet2DModel' : 'TributaryUNet3DModel',
    _diffusers_version: DIFFUSERS_VERSION,
    sample_size: config.imageSize,
    ...(config.depth !== undefined && { sample_depth: config.depth }),
    in_channels: config.inChannels,
    out_channels: config.outChannels,
    center_input_sample: false,
    time_embedding_type: config.timeEmbedding,
    freq_shift: config.frequencyShift,
    flip_sin_to_cos: config.flipSinToCos,
    down_block_types: config.attention.map((attention) => blockType('Down', attention, config)),
    up_block_types: config.attention.toReversed().map((attention) => blockType('Up', attention, config)),
    block_out_channels: config.blockOutChannels,
    layers_per_block: config.layersPerBlock,
    mid_block_scale_factor: 1,
    downsample_padding: config.downsamplePadding,
    downsample_type: config.resample,
    upsample_type: config.resample,
    dropout: config.dropout,
    act_fn: 'silu',
    attention_head_dim: config.attentionHeadDim,
    norm_num_groups: config.normGroups,
    norm_eps: config.normEpsilon,
    resnet_time_scale_shift: config.timeScaleShift ? 'scale_shift' : 'default',
    add_attention: true,
    class_embed_type: null,
    num_class_embeds: config.classRows > 0 ? config.classRows : null,
  };
}

function blockType(direction: 'Down' | 'Up', attention: boolean, { resample }: UNetConfig): string {
  if (attention) return `Attn${direction}Block2D`;
  return resample === 'resnet' ? `Resnet${direction}sampleBlock2D` : `${direction}Block2D`;
}

/** How diffusers draws from a model: the scheduler's class and settings, and the pipeline around it. */
interface SchedulerChoice {
  readonly scheduler: string;
  readonly pipeline: string;
  readonly settings: Json;
}

type SchedulerSource = Pick<Recipe, 'process' | 'objective' | 'image' | 'conditioning'>;

/** The names of diffusers for raw outputs; it has none for that of EDM, whose schedulers know no other. */
export const PREDICTION_TYPES: Readonly<Partial<Record<RawOutput, string>>> = {
  epsilon: 'epsilon',
  sample: 'sample',
  velocity: 'v_prediction',
};

/** Estimates of the clean image are limited to the range of the data, as in our samplers. */
const CLIPPED = { clip_sample: true, clip_sample_range: 1 };

/** Steps of the table that stands for a continuous VP SDE: beta(t) / 1000 at 1000 even times, Song et al. 2021, appendix B. */
const VP_TABLE_STEPS = 1000;

/** The part of diffusers that fits; undefined where it has none (sub-VP, scores of VE processes, volumes, image conditions). */
function schedulerChoice({ process, objective, image, conditioning }: SchedulerSource): SchedulerChoice | undefined {
  if (image.depthPx !== undefined || conditioning.image !== undefined) return undefined;
  if (process.kind === 'edm') {
    const { sigmaMin, sigmaMax, sigmaData, rho } = process;
    const settings = { sigma_min: sigmaMin, sigma_max: sigmaMax, sigma_data: sigmaData, sigma_schedule: 'karras', rho };
    return { scheduler: 'EDMEulerScheduler', pipeline: 'DDPMPipeline', settings };
  }
  const table = betaTable(process);
  const prediction = PREDICTION_TYPES[rawOutputOf({ process, objective })];
  if (!table || prediction === undefined) return undefined;
  const common = { ...table, prediction_type: prediction, ...CLIPPED, timestep_spacing: 'trailing' };
  if (objective.variance === 'learned') {
    const settings = { ...common, variance_type: 'learned_range' };
    return { scheduler: 'DDPMScheduler', pipeline: 'DDPMPipeline', settings };
  }
  const settings = { ...common, set_alpha_to_one: true };
  return { scheduler: 'DDIMScheduler', pipeline: 'DDIMPipeline', settings };
}

function betaTable(process: Recipe['process']): Json | undefined {
  switch (process.kind) {
    case 'ddpm':
      return {
        num_train_timesteps: process.timesteps,
        beta_schedule: process.betaSchedule === 'cosine' ? 'squaredcos_cap_v2' : process.betaSchedule,
        beta_start: process.betaStart,
        beta_end: process.betaEnd,
      };
    case 'vp':
      return {
        num_train_timesteps: VP_TABLE_STEPS,
        beta_schedule: 'linear',
        beta_start: process.betaMin / VP_TABLE_STEPS,
        beta_end: process.betaMax / VP_TABLE_STEPS,
      };
    default:
      return undefined;
  }
}

export interface PipelineFiles {
  /** `scheduler/scheduler_config.json` */
  readonly scheduler: Json;
  /** `model_index.json` */
  readonly index: Json;
}

/** The files around the network; undefined where diffusers has no scheduler for the process. */
export function pipelineFiles(recipe: SchedulerSource): PipelineFiles | undefined {
  const choice = schedulerChoice(recipe);
  if (!choice) return undefined;
  const { scheduler, pipeline, settings } = choice;
  return {
    scheduler: { _class_name: scheduler, _diffusers_version: DIFFUSERS_VERSION, ...settings },
    index: {
      _class_name: pipeline,
      _diffusers_version: DIFFUSERS_VERSION,
      scheduler: ['diffusers', scheduler],
      unet: ['diffusers', 'UNet2DModel'],
    },
  };
}
