import { imageValues } from '@tributary/protocol/image-shape';
import { ladderLength } from '@tributary/protocol/ladder-length';
import type { Recipe } from '@tributary/protocol/recipe';
import { createDdpmProcess } from './ddpm-process.js';
import { createEdmProcess } from './edm-process.js';
import type { NoiseProcess } from './noise-process.js';
import { createNcsnProcess, createVeProcess } from './ve-process.js';
import { createSubVpProcess, createVpProcess } from './vp-process.js';

/** The noise process that a recipe names; a ladder of noise levels without a length gets that of its image size. */
export function createProcess({ process, image }: Pick<Recipe, 'process' | 'image'>): NoiseProcess {
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
    case 'vp':
      return createVpProcess(process);
    case 'sub-vp':
      return createSubVpProcess(process);
    case 've':
      return createVeProcess(process);
    case 'ncsn':
      return createNcsnProcess({ ...process, levels: process.levels ?? ladderLength(process, imageValues(image)) });
  }
}
