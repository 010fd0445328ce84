import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trainer } from '@tributary/diffusion';
import { numberOf, readTrainingState, vectorOf, writeTrainingState } from './training-state-file.js';

const FILE_NAME = /^optimiser-(\d+)\.safetensors$/;
/** This round's moments, and those that it started from: a repeated round needs the latter. */
const KEPT_ROUNDS = 2;

/**
 * Adam's moments, which stay at the site between rounds. Each file belongs to the round that it was left by; a round
 * always starts from the newest one before it, so a round that is trained again gives the same bits.
 */
export class OptimiserHistory {
  /** The round whose moments the trainer holds; undefined while they belong to no finished round. */
  private held: number | undefined;

  constructor(
    private readonly runDirectory: string,
    private readonly trainer: Trainer,
  ) {}

  /** Gives the trainer the moments that `round` starts from, and counts them as used. */
  async begin(round: number): Promise<void> {
    const previous = (await this.rounds()).filter((other) => other < round).at(-1) ?? 0;
    if (this.held !== previous) await this.restore(previous);
    this.held = undefined;
  }

  /** Keeps what the trainer holds as the moments of a finished round. */
  async finish(round: number): Promise<void> {
    const { m, v, step } = await this.trainer.optimiserState();
    await writeTrainingState(this.file(round), { vectors: { m, v }, numbers: { step } });
    this.held = round;
    for (const old of (await this.rounds()).slice(0, -KEPT_ROUNDS)) await rm(this.file(old), { force: true });
  }

  /** Round 0 stands for the beginning of a run, before any step. */
  private async restore(round: number): Promise<void> {
    const state = round === 0 ? undefined : await readTrainingState(this.file(round));
    const zeros = (): Float32Array => new Float32Array(this.trainer.parameterCount);
    this.trainer.setOptimiserState(
      state === undefined
        ? { m: zeros(), v: zeros(), step: 0 }
        : { m: vectorOf(state, 'm'), v: vectorOf(state, 'v'), step: numberOf(state, 'step') },
    );
  }

  private async rounds(): Promise<number[]> {
    const names = await readdir(this.runDirectory);
    return names
      .flatMap((name) => FILE_NAME.exec(name)?.slice(1) ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private file(round: number): string {
    return join(this.runDirectory, `optimiser-${round}.safetensors`);
  }
}
