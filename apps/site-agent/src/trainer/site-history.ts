import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trainer } from '@tributary/diffusion';
import {
  lossScaleNumbers,
  lossScaleOf,
  numberOf,
  readTrainingState,
  vectorOf,
  writeTrainingState,
  type TrainingState,
} from './training-state-file.js';

const FILE_NAME = /^site-(\d+)\.safetensors$/;
/** Flat vectors of the whole model's layout that stay at a site, besides Adam's moments; absent where not used or not begun. */
export interface SiteVectors {
  /** Weights after the last round, of which the local parameters are the site's own. */
  readonly own?: Float32Array;
  /** Their moving average, as the server keeps one of the shared parameters. */
  readonly ownAverage?: Float32Array;
  /** SCAFFOLD's c_i. */
  readonly control?: Float32Array;
  /** What the compression of earlier updates lost, one vector of the update after the other. */
  readonly residual?: Float32Array;
}

/**
 * Everything that stays at the site between rounds, one file a round, written whole or not at all. A round always starts
 * from the file of the last round that counts an update of this site: a round that is trained again gives the same bits,
 * and SCAFFOLD's c_i and what a code has lost belong to updates that the server has.
 */
export class SiteHistory {
  /** What the trainer and the site hold; undefined while it belongs to no finished round. */
  private held: { readonly round: number; readonly vectors: SiteVectors } | undefined;

  constructor(
    private readonly runDirectory: string,
    private readonly trainer: Trainer,
  ) {}

  /**
   * Gives the trainer the moments of the round that was counted last, and forgets what rounds left that count for nothing.
   *
   * @param countedRound 0 stands for the beginning of a run, before any step.
   * @returns The site's vectors.
   */
  async begin(countedRound: number): Promise<SiteVectors> {
    const held = this.held;
    this.held = undefined;
    for (const round of await this.rounds()) if (round !== countedRound) await rm(this.file(round), { force: true });
    if (held?.round === countedRound) return held.vectors;
    const state = await readTrainingState(this.file(countedRound));
    this.restore(state);
    return siteVectors(state);
  }

  /** Keeps the site's vectors and what the trainer holds as those of a finished round. */
  async finish(round: number, vectors: SiteVectors): Promise<void> {
    const optimiser = await this.trainer.optimiserState();
    await writeTrainingState(this.file(round), {
      vectors: { ...vectors, ...optimiser.vectors },
      numbers: { step: optimiser.step, ...lossScaleNumbers(optimiser) },
    });
    this.held = { round, vectors };
  }

  /** The site's vectors as a round left them. */
  async after(round: number): Promise<SiteVectors> {
    return siteVectors(await readTrainingState(this.file(round)));
  }

  private restore(state: TrainingState | undefined): void {
    const { optimiserVectors, parameterCount } = this.trainer;
    const start = (name: string): Float32Array =>
      state === undefined ? new Float32Array(parameterCount) : vectorOf(state, name);
    this.trainer.setOptimiserState({
      vectors: Object.fromEntries(optimiserVectors.map((name) => [name, start(name)])),
      step: state === undefined ? 0 : numberOf(state, 'step'),
      ...(state && lossScaleOf(state)),
    });
  }

  private async rounds(): Promise<number[]> {
    const names = await readdir(this.runDirectory);
    return names.flatMap((name) => FILE_NAME.exec(name)?.slice(1) ?? []).map(Number);
  }

  private file(round: number): string {
    return join(this.runDirectory, `site-${round}.safetensors`);
  }
}

function siteVectors(state: TrainingState | undefined): SiteVectors {
  const { own, ownAverage, control, residual } = state?.vectors ?? {};
  return {
    ...(own && { own }),
    ...(ownAverage && { ownAverage }),
    ...(control && { control }),
    ...(residual && { residual }),
  };
}
