import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where the reference numbers lie; their sources are in the README beside them. */
export const VECTORS_DIRECTORY = join(import.meta.dirname, '../../../test/vectors');

const numbers = z.array(z.number());
const trajectorySchema = z.strictObject({
  class: z.string(),
  config: z.looseObject({
    beta_schedule: z.string().optional(),
    prediction_type: z.string().optional(),
    variance_type: z.string().optional(),
    algorithm_type: z.string().optional(),
    solver_type: z.string().optional(),
    solver_order: z.number().optional(),
    clip_sample: z.boolean().optional(),
    set_alpha_to_one: z.boolean().optional(),
    rescale_betas_zero_snr: z.boolean().optional(),
    skip_prk_steps: z.boolean().optional(),
  }),
  step_kw: z.object({ eta: z.number().optional() }),
  steps: z.number(),
  timesteps: numbers,
  sigmas: numbers.optional(),
  init_noise_sigma: z.number(),
  traj: z.array(numbers),
  noises_used: z.number(),
  /** Largest difference from the same library in float32. */
  f32_dev: z.number(),
});
export type TrajectoryVector = z.infer<typeof trajectorySchema>;

const note = z.string().optional();
const momentsSchema = z.strictObject({ mean: numbers, var: numbers, closed_mean: numbers, closed_var: numbers, note });

const vectorsSchema = z.strictObject({
  betas: z.record(
    z.string(),
    z.strictObject({
      t: numbers,
      betas: numbers,
      alphas_cumprod: numbers,
      snr: numbers.optional(),
      config: z.record(z.string(), z.unknown()).optional(),
      f32_rel_dev_alphas_cumprod: z.number().optional(),
    }),
  ),
  ddpm_variance: z.record(z.string(), z.strictObject({ t: numbers, variance: numbers })),
  forward: z.strictObject({ t: numbers, add_noise: z.array(numbers), velocity: z.array(numbers), note }),
  conventions: z.record(z.string(), z.unknown()),
  independent_check: z.strictObject({ ddim_eta0_max_abs_diff: z.number() }),
  /** Read by the specs of AdamW and of the server's momentum. */
  optimizers: z.record(z.string(), z.unknown()),
  trajectories: z.record(z.string(), trajectorySchema),
  timestep_embedding: z.array(
    z.strictObject({
      t: z.number(),
      dim: z.number(),
      flip_sin_to_cos: z.boolean(),
      downscale_freq_shift: z.number(),
      scale: z.number(),
      out: numbers,
    }),
  ),
  /** Read by the spec of the averages that the server keeps. */
  ema: z.array(z.unknown()),
  unet: z.record(
    z.string(),
    z.strictObject({
      input: z.string(),
      config: z.strictObject({
        sample_size: z.number(),
        out_channels: z.number(),
        up_block_types: z.array(z.string()),
        downsample_type: z.string().optional(),
        upsample_type: z.string().optional(),
        in_channels: z.number(),
        block_out_channels: numbers,
        layers_per_block: z.number(),
        norm_num_groups: z.number(),
        attention_head_dim: z.number().nullable(),
        num_class_embeds: z.number().optional(),
        flip_sin_to_cos: z.boolean().optional(),
        freq_shift: z.number().optional(),
        resnet_time_scale_shift: z.string().optional(),
        down_block_types: z.array(z.string()),
      }),
      file: z.string(),
      params: z.number(),
      output: numbers,
      loss: z.number(),
      activations: z.record(
        z.string(),
        z.strictObject({ shape: numbers, mean: z.number(), std: z.number(), first: numbers }),
      ),
      grads: z.record(z.string(), z.tuple([z.number(), z.number()])),
    }),
  ),
  sde: z.strictObject({
    note,
    t: numbers,
    params: z.object({ beta_min: z.number(), beta_max: z.number(), sigma_min: z.number(), sigma_max: z.number() }),
    vp: momentsSchema,
    subvp: momentsSchema,
    ve: momentsSchema,
    likelihood: z.strictObject({
      note,
      cases: z.array(
        z.strictObject({
          sde: z.enum(['vp', 'subvp', 've']),
          mu: z.number(),
          s2: z.number(),
          x0: z.number(),
          t0: z.number(),
          z: z.number(),
          int_div: z.number(),
          logp_prior: z.number(),
          logp_exact_prior: z.number(),
          logp_exact_t0: z.number(),
        }),
      ),
    }),
    edm: z.strictObject({
      sigmas: numbers,
      sigma_data: z.number(),
      precond: z.array(
        z.strictObject({
          sigma: z.number(),
          c_skip: z.number(),
          c_out: z.number(),
          c_in: z.number(),
          c_noise: z.number(),
          weight: z.number(),
        }),
      ),
    }),
  }),
});

/** A field that no test knows is a fault: nothing in the file goes unread. */
const raw: unknown = JSON.parse(readFileSync(join(VECTORS_DIRECTORY, 'diffusion-vectors.json'), 'utf8'));

/** Numbers made by diffusers, PyTorch and scipy in float64 with 12 significant digits. */
export const referenceVectors = vectorsSchema.parse(raw);

/** The fixed start of every trajectory, before scaling. */
export const referenceStart = Float64Array.from({ length: 4 }, (_, i) => 0.5 * Math.cos(i + 1));

/** The k-th noise draw of a trajectory. */
export function referenceNoise(k: number): Float64Array {
  return Float64Array.from({ length: 4 }, (_, i) => Math.sin(1.3 * (i + 1) + 0.7 * k));
}

/** Largest |actual - expected| / max(1, |expected|); infinite when lengths differ. */
export function worstDeviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  return Array.from({ length: expected.length }, (_, i) => {
    const want = expected[i] ?? 0;
    return Math.abs((actual[i] ?? 0) - want) / Math.max(1, Math.abs(want));
  }).reduce((worst, deviation) => Math.max(worst, deviation), 0);
}
