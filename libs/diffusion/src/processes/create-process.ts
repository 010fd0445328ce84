import type { Recipe } from '@tributary/protocol';
import { createDdpmProcess } from './ddpm-process.js';
import { createEdmProcess } from './edm-process.js';
import type { NoiseProcess } from './noise-process.js';

/** The noise process that a recipe names. */
export function createProcess(process: Recipe['process']): NoiseProcess {
  switch (process.kind) {
    case 'edm':
      return createEdmProcess(process);
    case 'ddpm':
      return createDdpmProcess({
        name: process.betaSchedule,
        trainSteps: process.timesteps,
        betaStart: process.betaStart,
        betaEnd: process.betaEnd,
      });
  }
}
