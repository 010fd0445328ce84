import type { Recipe } from '@tributary/protocol/recipe';

/** What a network's raw output can stand for; scores are always made from another one. */
export type RawOutput = Exclude<Recipe['objective']['prediction'], 'score'>;

/**
 * What the raw output of a recipe's network stands for.
 *
 * An error of the noise is sigma / alpha times as large in the image. A network whose raw output is the noise must then be right to
 * a hundredth at high noise levels, in brightness and strength too, which group normalisation takes away: its estimate of the image
 * is mostly error, and samplers draw it. So where noise or scores are predicted the raw output is one whose error never grows, and
 * noise and scores follow from it by Tweedie's formula; the loss stays theirs. Processes that leave the image unscaled have that of
 * Karras et al. 2022, table 1; the others v of Salimans & Ho 2022, section 4, which is the same for data of unit variance and has a
 * name in diffusers. Networks that are not told the noise level (Song & Ermon 2020, technique 3) have it from these factors alone.
 */
export function rawOutputOf({ process, objective }: Pick<Recipe, 'process' | 'objective'>): RawOutput {
  const { prediction, output } = objective;
  if (prediction !== 'epsilon' && prediction !== 'score') return prediction;
  if (prediction === 'epsilon' && output === 'prediction') return 'epsilon';
  return process.kind === 've' || process.kind === 'ncsn' ? 'edm' : 'velocity';
}
