import { imageValues, type ImageShape } from './image-shape.js';
import { ladderLength } from './ladder-length.js';
import type { DiffusionFault, NoiseProcessSettings } from './recipe-diffusion.js';

/**
 * The least sum of betas: the image is then at most exp(-4 / 2) = 0.14 of what it was. Sampling starts from noise alone; where much
 * of the image is left at the end of the chain, a network never saw such noise, and draws it.
 */
const LEAST_BETA_SUM = 4;

/** The same for noise that is added to the unscaled image, on whose scale brightness goes from -1 to 1; that of Song & Ermon 2019. */
const LEAST_SIGMA_MAX = 2;

/** What does not fit together in a noise process and the steps of its sampler; empty when all does. */
export function processFaults(process: NoiseProcessSettings, image: ImageShape, steps: number): DiffusionFault[] {
  const faults: DiffusionFault[] = [];
  const expect = (holds: boolean, path: readonly string[], expected: string): void => {
    if (!holds) faults.push({ path, expected });
  };
  switch (process.kind) {
    case 'ddpm': {
      const { betaStart, betaEnd, betaSchedule, timesteps } = process;
      expect(betaStart <= betaEnd, ['process', 'betaStart'], 'at most betaEnd');
      const reached = betaSchedule === 'cosine' || timesteps * meanBeta(process) >= LEAST_BETA_SUM;
      expect(reached, ['process', 'betaEnd'], 'more, or more timesteps: so few and small betas do not end in noise');
      expect(steps <= timesteps, ['evaluation', 'steps'], `at most process.timesteps (${timesteps})`);
      break;
    }
    case 'vp':
    case 'sub-vp': {
      const { betaMin, betaMax } = process;
      expect(betaMin < betaMax, ['process', 'betaMin'], 'less than betaMax');
      const reached = (betaMin + betaMax) / 2 >= LEAST_BETA_SUM;
      expect(reached, ['process', 'betaMax'], `at least ${2 * LEAST_BETA_SUM} - betaMin: less does not end in noise`);
      break;
    }
    case 'edm':
    case 've':
    case 'ncsn':
      expect(process.sigmaMin < process.sigmaMax, ['process', 'sigmaMin'], 'less than sigmaMax');
      expect(
        process.sigmaMax >= LEAST_SIGMA_MAX,
        ['process', 'sigmaMax'],
        `at least ${LEAST_SIGMA_MAX}: images go from -1 to 1`,
      );
  }
  if (process.kind === 'ncsn' && process.sigmaMin < process.sigmaMax) {
    const levels = process.levels ?? ladderLength(process, imageValues(image));
    expect(steps <= levels, ['evaluation', 'steps'], `at most the ${levels} levels of the process`);
  }
  return faults;
}

/** Of the whole chain; `scaled_linear` has the squares of evenly spaced roots, a sigmoid is as often above as below its middle. */
function meanBeta({ betaSchedule, betaStart, betaEnd }: Extract<NoiseProcessSettings, { kind: 'ddpm' }>): number {
  return betaSchedule === 'scaled_linear'
    ? (betaStart + Math.sqrt(betaStart * betaEnd) + betaEnd) / 3
    : (betaStart + betaEnd) / 2;
}
