import { join } from 'node:path';
import { averageWeights } from '@tributary/federation/averages/average-weights';
import { serverAverages } from '@tributary/federation/averages/server-averages';
import { randomStream } from '@tributary/random';
import { writeParameterFile } from '@tributary/safetensors';
import { BatchOrder } from '../trainer/batch-order.js';
import type { SimulatedSite } from './simulated-site.js';

/** What no federation may do: all images of all sites in one place, each still labelled with its site. */
export interface PooledOptions {
  /** Their recipe is that of a federated run: a round of pooled training takes as many steps as all sites together. */
  readonly sites: readonly SimulatedSite[];
  readonly directory: string;
  /** The first weights of the run. */
  readonly weights: Float32Array;
}

/** An image by its place among a site's. */
interface PooledImage {
  readonly site: SimulatedSite;
  readonly index: number;
}

/**
 * Trains a run's network on pooled data with the run's own optimiser, batch size and schedule, and as many images as the
 * federated run sees.
 *
 * @returns The file of the averaged weights after the last round.
 */
export async function trainPooled(options: PooledOptions, onRound: (n: number, loss: number) => void): Promise<string> {
  const { sites, directory } = options;
  const [first] = sites;
  if (first === undefined) throw new RangeError('pooled training needs a site');
  const { trainer, run } = first.parts;
  const { rounds, serverEma } = run.recipe;
  const step = pooledStep(sites, first);
  const stepsOfRound = rounds.localSteps * sites.length;
  let average = options.weights;
  trainer.setWeights(options.weights);
  for (let round = 0; round < rounds.count; round++) {
    let lossSum = 0;
    for (let k = 0; k < stepsOfRound; k++) lossSum += await step(round * stepsOfRound + k);
    const next = new Float32Array(average.length);
    const [{ decay }] = serverAverages(serverEma, round);
    averageWeights(decay, { average, weights: await trainer.weights(), next });
    average = next;
    onRound(round + 1, lossSum / stepsOfRound);
  }
  const file = join(directory, 'pooled.safetensors');
  await writeParameterFile(file, { manifest: [...trainer.manifest], flat: average });
  return file;
}

function pooledStep(sites: readonly SimulatedSite[], { parts }: SimulatedSite): (step: number) => Promise<number> {
  const { trainer, run } = parts;
  const { seed, rounds } = run.recipe;
  const pool = sites.flatMap((site): PooledImage[] =>
    [...site.parts.images.split.train].map((index) => ({ site, index })),
  );
  const order = new BatchOrder(Int32Array.from(pool.keys()), seed, 'pooled');
  const imageSize = run.recipe.image.sizePx ** 2 * run.recipe.image.channels;
  return async (step) => {
    const images = new Float32Array(rounds.batchSize * imageSize);
    const classRows = new Int32Array(rounds.batchSize);
    for (const [place, key] of order.batch(step, rounds.batchSize).entries()) {
      const image = pool[key];
      if (image === undefined) continue;
      const one = Int32Array.of(image.index);
      images.set(image.site.parts.images.pixels(one), place * imageSize);
      classRows[place] = image.site.parts.images.rows(one)[0] ?? 0;
    }
    // The schedule runs over the local steps of the run, which pooled training passes in smaller strides.
    const globalStep = Math.floor(step / sites.length);
    return (await trainer.step({ images, classRows, random: randomStream(seed, 'pooled', step), globalStep })).loss;
  };
}
