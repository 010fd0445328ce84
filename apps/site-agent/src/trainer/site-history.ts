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
/** What this round left, and what it started from: a repeated round needs the latter. */
const KEPT_ROUNDS = 2;

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
 * from the newest file before it, so a round that is trained again gives the same bits.
 */
export class SiteHistory {
  /** What the trainer and the site hold; undefined while it belongs to no finished round. */
  private held: { readonly round: number; readonly vectors: SiteVectors } | undefined;

  constructor(
    private readonly runDirectory: string,
    private readonly trainer: Trainer,
  ) {}

  /** Gives the trainer the moments that `round` starts from, and counts them as used. @returns The site's vectors. */
  async begin(round: number): Promise<SiteVectors> {
    const previous = await this.newestBefore(round);
    const held = this.held;
    this.held = undefined;
    if (held?.round === previous) return held.vectors;
    const state = await this.read(previous);
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
    for (const old of (await this.rounds()).slice(0, -KEPT_ROUNDS)) await rm(this.file(old), { force: true });
  }

  /** The site's vectors as the newest round before `round` left them. */
  async before(round: number): Promise<SiteVectors> {
    return siteVectors(await this.read(await this.newestBefore(round)));
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

  /** Round 0 stands for the beginning of a run, before any step. */
  private async newestBefore(round: number): Promise<number> {
    return (await this.rounds()).filter((other) => other < round).at(-1) ?? 0;
  }

  private async read(round: number): Promise<TrainingState | undefined> {
    return round === 0 ? undefined : readTrainingState(this.file(round));
  }

  private async rounds(): Promise<number[]> {
    const names = await readdir(this.runDirectory);
    return names
      .flatMap((name) => FILE_NAME.exec(name)?.slice(1) ?? [])
      .map(Number)
      .sort((a, b) => a - b);
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
