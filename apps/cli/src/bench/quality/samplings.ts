import type { ProcessKind } from '@tributary/protocol/recipe-diffusion';
import { samplersFor, type SamplerChoice, type SamplerName } from '@tributary/protocol/samplers';

/** One way of sampling: one row of the table. */
export interface Sampling extends SamplerChoice {
  /** Sampler, settings and steps. */
  readonly name: string;
  /** Calls of the network for one image; null where the method chooses. */
  readonly evaluations: number | null;
}

/** A sampling by a choice of sampler. */
export function samplingOf({ sampler, steps, settings }: SamplerChoice): Sampling {
  const name = [sampler, ...Object.values(settings), steps].join('-');
  return { name, sampler, steps, settings, evaluations: evaluationsOf({ sampler, steps, settings }) };
}

const STEPS: Readonly<Record<SamplerName, readonly number[]>> = {
  heun: [9, 18],
  'dpmpp-2m': [10, 20],
  'dpmpp-2m-sde': [20, 50],
  euler: [20, 50],
  unipc: [10, 20],
  lms: [10, 20],
  pndm: [10, 20],
  ddim: [20, 50],
  ddpm: [100, 1000],
  'euler-maruyama': [100, 250],
  pc: [50, 125],
  langevin: [20, 50],
  // It chooses its own steps.
  ode: [2],
};

/** Calls of the network for one image. */
function evaluationsOf({ sampler, steps, settings }: SamplerChoice): number | null {
  switch (sampler) {
    case 'heun':
      return 2 * steps - 1;
    case 'pc':
      return settings.corrector === 'none' ? steps : 2 * steps;
    case 'langevin':
      return 5 * steps + 1;
    case 'pndm':
      return steps + 1;
    case 'ode':
      return null;
    case 'ddpm':
    case 'ddim':
    case 'dpmpp-2m':
    case 'dpmpp-2m-sde':
    case 'euler':
    case 'unipc':
    case 'lms':
    case 'euler-maruyama':
      return steps;
  }
}

/** The samplings that fit a process, quickest first. The thousand moves of ancestral sampling are for its own process. */
export function samplingsFor(kind: ProcessKind): Sampling[] {
  const all = samplersFor(kind).flatMap((sampler) =>
    STEPS[sampler].map((steps) => samplingOf({ sampler, steps, settings: {} })),
  );
  return quickestFirst(all.filter(({ steps }) => steps < 1000 || kind === 'ddpm'));
}

/** By calls of the network, so that a bench that is stopped has the cheap rows. */
export function quickestFirst<S extends Pick<Sampling, 'evaluations'>>(samplings: readonly S[]): S[] {
  return samplings.toSorted((a, b) => costOf(a) - costOf(b));
}

/** What the adaptive method takes on trained networks, about. */
const ADAPTIVE_EVALUATIONS = 350;

/** Calls of the network for one image, roughly where the method chooses. */
export function costOf({ evaluations }: Pick<Sampling, 'evaluations'>): number {
  return evaluations ?? ADAPTIVE_EVALUATIONS;
}
