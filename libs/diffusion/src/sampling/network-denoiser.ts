import { guidedDenoiser } from '../conditioning/classifier-free-guidance.js';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import type { NoiseLevel } from '../processes/noise-process.js';
import type { Denoiser, SamplerRun } from '../samplers/sampler.js';
import type { EvaluationBatcher, EvaluationRequest } from './evaluation-batcher.js';

/** A network as one image sees it. */
export interface BoundNetwork {
  readonly model: DiffusionModel;
  readonly batcher: EvaluationBatcher<EvaluationRequest, Float64Array>;
  /** Channels of the image; the network gives twice as many where it has learned the variance. */
  readonly channels: number;
  readonly condition: Float32Array | undefined;
}

export interface ClassChoice {
  readonly classRow: number;
  readonly noClassRow: number;
  /** Classifier-free guidance; 1 means none. */
  readonly guidance: number;
}

interface NetworkEstimate {
  readonly denoised: Float64Array;
  /** Where the log variance lies between its bounds, value by value; undefined when it is not learned. */
  readonly varianceShare: Float64Array | undefined;
}

/** The guided denoiser, and with a learned variance also the one that tells it (without guidance, as in Dhariwal & Nichol 2021). */
export function guidedNetwork(
  network: BoundNetwork,
  { classRow, noClassRow, guidance }: ClassChoice,
): Pick<SamplerRun, 'denoiser' | 'varianceDenoiser'> {
  const estimateOf = (row: number): Denoiser => {
    return async (x, level) => (await estimate(network, row, { x, level })).denoised;
  };
  const denoiser = guidedDenoiser(estimateOf(classRow), estimateOf(noClassRow), guidance);
  if (!network.model.learnsVariance) return { denoiser };
  const spokenFor = guidance === 0 ? noClassRow : classRow;
  return {
    denoiser,
    varianceDenoiser: async (x, level) => {
      let varianceShare: Float64Array = new Float64Array(0);
      const listening: Denoiser = async (y, yLevel) => {
        const found = await estimate(network, spokenFor, { x: y, level: yLevel });
        varianceShare = found.varianceShare ?? varianceShare;
        return found.denoised;
      };
      const scale = guidance === 0 ? 1 : guidance;
      const denoised = await guidedDenoiser(listening, estimateOf(noClassRow), scale)(x, level);
      return { denoised, varianceShare };
    },
  };
}

async function estimate(
  { model, batcher, channels, condition }: BoundNetwork,
  classRow: number,
  { x, level }: { readonly x: Float64Array; readonly level: NoiseLevel },
): Promise<NetworkEstimate> {
  const factors = model.preconditioning(level);
  const output = await batcher.request({
    image: x.map((value) => value * factors.input),
    noiseLevel: model.conditioning(level),
    classRow,
    condition,
  });
  if (!model.learnsVariance) return { denoised: denoisedFrom(factors, x, output), varianceShare: undefined };
  const [raw, variance] = halves(output, channels);
  return {
    denoised: denoisedFrom(factors, x, raw),
    varianceShare: variance.map((value) => (value + 1) / 2),
  };
}

/** [pixels, 2 · channels] as two of [pixels, channels]. */
function halves(output: Float64Array, channels: number): [Float64Array, Float64Array] {
  const part = (offset: number): Float64Array =>
    Float64Array.from({ length: output.length / 2 }, (_, i) => {
      const pixel = Math.floor(i / channels);
      return output[pixel * 2 * channels + offset + (i % channels)] ?? 0;
    });
  return [part(0), part(channels)];
}
