import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';
import type { DemoOptions } from './demo-options.js';
import { isLesion } from './demo-sites.js';

/** How much of everything a demo makes. */
export interface DemoProfile {
  readonly patientsPerSite: number;
  readonly imageSizePx: number;
  readonly rounds: number;
  readonly localSteps: number;
  /** Free space in bytes without which the demo does not start. */
  readonly diskBytes: number;
  readonly network: RecipeInput['network'];
  readonly learningRate: number;
  readonly samplesPerSite: number;
}

export const PROFILES: Readonly<Record<DemoOptions['profile'], DemoProfile>> = {
  quick: {
    patientsPerSite: 160,
    imageSizePx: 32,
    rounds: 130,
    localSteps: 8,
    diskBytes: 1e9,
    network: {
      kind: 'unet2d',
      blockOutChannels: [8, 16, 32],
      layersPerBlock: 1,
      attention: [false, false, false],
    },
    learningRate: 4e-3,
    samplesPerSite: 128,
  },
  full: {
    patientsPerSite: 400,
    imageSizePx: 64,
    rounds: 600,
    localSteps: 12,
    diskBytes: 6e9,
    network: { kind: 'unet2d', blockOutChannels: [32, 64, 96], layersPerBlock: 1, attention: [false, false, true] },
    learningRate: 1e-3,
    samplesPerSite: 256,
  },
};

export interface RecipeRequest {
  readonly options: Pick<DemoOptions, 'profile' | 'rounds' | 'seed' | 'pooled'>;
  readonly classes: readonly string[];
  readonly siteCount: number;
}

/**
 * The demo's recipe. The pooled comparison trains one site that holds all images for as many steps as all sites
 * together would do.
 */
export function demoRecipe({ options, classes, siteCount }: RecipeRequest): Recipe {
  const profile = PROFILES[options.profile];
  const stepsFactor = options.pooled ? siteCount : 1;
  return recipeSchema.parse({
    name: options.pooled ? `demo-${options.profile}-pooled` : `demo-${options.profile}`,
    seed: options.seed,
    image: { sizePx: profile.imageSizePx, channels: 1 },
    classes: [...classes],
    data: { intensity: { method: 'percentile', low: 0, high: 99.5 }, heldOutFraction: 0.2, horizontalFlip: true },
    conditioning: { site: !options.pooled, dropout: 0.1 },
    network: profile.network,
    // The standard deviation of the phantom's pixels on the scale -1..1.
    process: { kind: 'edm', sigmaData: 0.68 },
    objective: { prediction: 'edm' },
    optimiser: {
      kind: 'adamw',
      learningRate: profile.learningRate,
      warmupSteps: 20 * stepsFactor,
      schedule: 'cosine',
    },
    rounds: {
      count: options.rounds ?? profile.rounds,
      localSteps: profile.localSteps * stepsFactor,
      batchSize: 16,
      deadlineSeconds: 1800,
      quorum: options.pooled ? 1 : Math.max(1, siteCount - 1),
    },
    strategy: { kind: 'fedavg', ownedRows: true },
    serverEma: { decay: 0.9 },
    evaluation: {
      sampler: 'heun',
      steps: 12,
      samplesPerSite: profile.samplesPerSite * stepsFactor,
      scarceClasses: classes.filter(isLesion),
    },
  } satisfies RecipeInput);
}
