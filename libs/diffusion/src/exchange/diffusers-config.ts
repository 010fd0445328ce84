import type { Recipe } from '@tributary/protocol';
import type { UNetConfig } from '../network/unet-config.js';

/** The release of diffusers whose file format is written and whose numbers the tests compare with. */
const DIFFUSERS_VERSION = '0.42.1';

type Json = Readonly<Record<string, unknown>>;

/** `unet/config.json`: the constructor arguments of `UNet2DModel`. */
export function unetConfigFile(config: UNetConfig): Json {
  return {
    _class_name: 'UNet2DModel',
    _diffusers_version: DIFFUSERS_VERSION,
    sample_size: config.imageSize,
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
    downsample_padding: 1,
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

/** `scheduler/scheduler_config.json`: the scheduler that draws what the model was trained on. */
export function schedulerConfigFile({ process }: Pick<Recipe, 'process'>): Json {
  switch (process.kind) {
    case 'edm':
      return {
        _class_name: 'EDMEulerScheduler',
        _diffusers_version: DIFFUSERS_VERSION,
        sigma_min: process.sigmaMin,
        sigma_max: process.sigmaMax,
        sigma_data: process.sigmaData,
        sigma_schedule: 'karras',
        rho: process.rho,
        num_train_timesteps: 1000,
        prediction_type: 'epsilon',
      };
    case 'ddpm':
      return {
        _class_name: 'DDIMScheduler',
        _diffusers_version: DIFFUSERS_VERSION,
        num_train_timesteps: process.timesteps,
        beta_schedule: process.betaSchedule === 'cosine' ? 'squaredcos_cap_v2' : process.betaSchedule,
        beta_start: process.betaStart,
        beta_end: process.betaEnd,
        prediction_type: 'epsilon',
        clip_sample: false,
        set_alpha_to_one: true,
        timestep_spacing: 'trailing',
      };
  }
}

/** `model_index.json`: the pipeline and the classes of its parts. */
export function modelIndexFile({ process }: Pick<Recipe, 'process'>): Json {
  const isEdm = process.kind === 'edm';
  return {
    _class_name: isEdm ? 'DDPMPipeline' : 'DDIMPipeline',
    _diffusers_version: DIFFUSERS_VERSION,
    scheduler: ['diffusers', isEdm ? 'EDMEulerScheduler' : 'DDIMScheduler'],
    unet: ['diffusers', 'UNet2DModel'],
  };
}
