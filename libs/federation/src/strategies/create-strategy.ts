import type { Combiner } from '../combiners/combiner.js';
import { coordinateMedian } from '../combiners/coordinate-median.js';
import { multiKrum } from '../combiners/multi-krum.js';
import { trimmedMean } from '../combiners/trimmed-mean.js';
import {
  equalShareOfAll,
  equalShares,
  imageShares,
  normalisedAveraging,
  stalenessDiscount,
  weightedMean,
} from '../combiners/weighted-mean.js';
import { serverAdagrad, serverAdam, serverYogi } from '../server-optimisers/adaptive.js';
import { serverAdamW, type AdamWStep } from '../server-optimisers/adamw.js';
import { CONTROL_VECTOR, controlVariates, SCAFFOLD_VECTORS } from '../server-optimisers/control-variates.js';
import { serverMomentum } from '../server-optimisers/momentum.js';
import type { ServerOptimiser } from '../server-optimisers/server-optimiser.js';
import { serverSgd } from '../server-optimisers/sgd.js';
import type { StrategyOptions } from './strategy-options.js';
import type { Strategy } from './strategy.js';

/**
 * Builds the strategy that a recipe names.
 *
 * @param siteCount Sites of the run, whether or not they take part; only SCAFFOLD looks at it.
 * @param adamW     The server's step in this round; FedSGD cannot step without it, the others do not look at it.
 */
export function createStrategy(options: StrategyOptions, siteCount = 1, adamW?: AdamWStep): Strategy {
  return {
    name: options.kind,
    clipNorm: options.kind === 'scaffold' ? undefined : options.clipNorm,
    combiner: combinerOf(options),
    vectorCombiners:
      options.kind === 'scaffold' ? { [CONTROL_VECTOR]: weightedMean('mean of all', equalShareOfAll(siteCount)) } : {},
    serverOptimiser: options.kind === 'fedsgd' ? serverAdamW(adamW) : serverOptimiserOf(options),
    updateVectors: options.kind === 'scaffold' ? SCAFFOLD_VECTORS : ['update'],
  };
}

function combinerOf(options: StrategyOptions): Combiner {
  switch (options.kind) {
    case 'fednova':
      return weightedMean('normalised averaging', normalisedAveraging);
    case 'scaffold':
      return weightedMean('plain mean', equalShares);
    case 'fedbuff':
      return weightedMean('staleness-weighted mean', stalenessDiscount(options.stalenessExponent));
    case 'median':
      return coordinateMedian;
    case 'trimmed-mean':
      return trimmedMean(options.trimFraction);
    case 'multi-krum':
      return multiKrum(options.byzantine, options.selected);
    default:
      return weightedMean('image-weighted mean', imageShares);
  }
}

function serverOptimiserOf(options: Exclude<StrategyOptions, { kind: 'fedsgd' }>): ServerOptimiser {
  const learningRate = options.serverLearningRate;
  switch (options.kind) {
    case 'fedavgm':
      return serverMomentum(learningRate, options.momentum);
    case 'fedadagrad':
      return serverAdagrad({ learningRate, beta1: options.beta1, tau: options.tau });
    case 'fedadam':
      return serverAdam({ learningRate, beta1: options.beta1, beta2: options.beta2, tau: options.tau });
    case 'fedyogi':
      return serverYogi({ learningRate, beta1: options.beta1, beta2: options.beta2, tau: options.tau });
    case 'scaffold':
      return controlVariates(learningRate);
    default:
      return serverSgd(learningRate);
  }
}
