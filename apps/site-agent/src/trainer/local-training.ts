import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Trainer } from '@tributary/diffusion';
import { type AssignmentReport, type RunFile, type TaskFile, type TrainingMoments } from '@tributary/protocol';
import type { Engine } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { BatchOrder } from './batch-order.js';
import { readGlobalWeights } from './global-weights.js';
import { SiteExchange, type RoundStart } from './site-exchange.js';
import { SiteHistory } from './site-history.js';
import type { SiteImages } from './site-images.js';
import { writeReport } from './task-result.js';
import {
  lossScaleNumbers,
  lossScaleOf,
  numberOf,
  readTrainingState,
  vectorOf,
  writeTrainingState,
} from './training-state-file.js';

const CHECKPOINT_FILE = 'checkpoint.safetensors';

export type TrainTask = Extract<TaskFile, { kind: 'train' }>;

export interface LocalTrainingParts {
  readonly run: RunFile;
  readonly runDirectory: string;
  readonly engine: Engine;
  readonly trainer: Trainer;
  readonly images: SiteImages;
}

export interface StepProgress {
  readonly done: number;
  readonly total: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
}

export interface TrainOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onStep: (progress: StepProgress) => void;
}

/** How far a round has come: what a checkpoint keeps besides weights and moments. */
interface Tally {
  readonly steps: number;
  readonly lossSum: number;
  readonly seconds: number;
}

/** Trains one site's part of a round. All randomness is named by seed, site, round and step: the same task, the same bits. */
export class LocalTraining {
  private readonly order: BatchOrder;
  private readonly history: SiteHistory;
  private readonly exchange: SiteExchange;

  constructor(private readonly parts: LocalTrainingParts) {
    const { run, runDirectory, trainer, images } = parts;
    this.order = new BatchOrder(images.split.train, run.recipe.seed, run.siteId);
    this.history = new SiteHistory(runDirectory, trainer);
    this.exchange = new SiteExchange(run, trainer.manifest);
  }

  /**
   * From the global weights through the local steps to `result.safetensors` (what travels of local minus global weights) and,
   * last, `report.json`. Goes on from the folder's checkpoint where there is one.
   *
   * @returns When its parts ended, in this process.
   * @throws TributaryError TRAIN_NOT_FINITE (the checkpoint stays), UPDATE_WRONG_MANIFEST; the signal's reason.
   */
  async train(task: TrainTask, { folder, signal, onStep }: TrainOptions): Promise<TrainingMoments> {
    const { trainer } = this.parts;
    const start = await this.begin(task, folder);
    const resumed = await this.resume(start, folder);
    const firstStepAt = now();
    const tally = await this.steps(task, resumed, { folder, signal, onStep });
    const lastStepAt = now();
    const end = { weights: await trainer.weights(), strategyState: await trainer.strategyState() };
    const { written, kept } = await this.exchange.finish({ folder, round: task.round }, start, end);
    await this.history.finish(task.round, kept);
    await writeReport(folder, written, this.report(tally));
    await rm(join(folder, CHECKPOINT_FILE), { force: true });
    return { firstStepAt, lastStepAt, writtenAt: now() };
  }

  private async begin({ countedRound, weightsFile, controlFile }: TrainTask, folder: string): Promise<RoundStart> {
    const { manifest } = this.parts.trainer;
    const read = (file: string): Promise<Float32Array> => readGlobalWeights(join(folder, file), manifest);
    const control = controlFile === undefined ? undefined : await read(controlFile);
    return this.exchange.start(await read(weightsFile), control, await this.history.begin(countedRound));
  }

  private async resume({ weights, strategyState }: RoundStart, folder: string): Promise<Tally> {
    const { trainer } = this.parts;
    const checkpoint = await readTrainingState(join(folder, CHECKPOINT_FILE));
    if (checkpoint === undefined) {
      trainer.setWeights(weights);
      trainer.setStrategyState(strategyState);
      return { steps: 0, lossSum: 0, seconds: 0 };
    }
    trainer.setWeights(vectorOf(checkpoint, 'weights'));
    const names = Object.keys(strategyState);
    trainer.setStrategyState(Object.fromEntries(names.map((name) => [name, vectorOf(checkpoint, name)])));
    trainer.setOptimiserState({
      vectors: Object.fromEntries(trainer.optimiserVectors.map((name) => [name, vectorOf(checkpoint, name)])),
      step: numberOf(checkpoint, 'optimiserStep'),
      ...lossScaleOf(checkpoint),
    });
    return {
      steps: numberOf(checkpoint, 'steps'),
      lossSum: numberOf(checkpoint, 'lossSum'),
      seconds: numberOf(checkpoint, 'seconds'),
    };
  }

  private async steps(task: TrainTask, start: Tally, { folder, signal, onStep }: TrainOptions): Promise<Tally> {
    const { run } = this.parts;
    const { localSteps, batchSize } = run.recipe.rounds;
    let tally = start;
    let savedSteps = start.steps;
    while (tally.steps < localSteps) {
      const startedMs = performance.now();
      const loss = await this.step(task.round, tally.steps);
      tally = {
        steps: tally.steps + 1,
        lossSum: tally.lossSum + loss,
        seconds: tally.seconds + (performance.now() - startedMs) / 1000,
      };
      onStep({
        done: tally.steps,
        total: localSteps,
        loss,
        imagesPerSecond: (tally.steps * batchSize) / tally.seconds,
      });
      if (tally.steps - savedSteps >= run.checkpointEverySteps && tally.steps < localSteps) {
        await this.checkpoint(folder, tally);
        savedSteps = tally.steps;
      }
      await setImmediate(); // an engine's step blocks: let a cancel, or the agent's end, be noticed
      signal.throwIfAborted();
    }
    return tally;
  }

  private async step(round: number, localStep: number): Promise<number> {
    const { run, trainer, images } = this.parts;
    const { seed, rounds } = run.recipe;
    const globalStep = (round - 1) * rounds.localSteps + localStep;
    const batch = this.order.batch(globalStep, rounds.batchSize);
    const { loss } = await trainer.step({
      images: images.pixels(batch),
      classRows: images.rows(batch),
      random: randomStream(seed, run.siteId, round, localStep, 'step'),
      globalStep,
    });
    return loss;
  }

  private async checkpoint(folder: string, { steps, lossSum, seconds }: Tally): Promise<void> {
    const { trainer } = this.parts;
    const optimiser = await trainer.optimiserState();
    await writeTrainingState(join(folder, CHECKPOINT_FILE), {
      vectors: { ...(await trainer.strategyState()), weights: await trainer.weights(), ...optimiser.vectors },
      numbers: { steps, lossSum, seconds, optimiserStep: optimiser.step, ...lossScaleNumbers(optimiser) },
    });
  }

  private report({ steps, lossSum, seconds }: Tally): AssignmentReport {
    const { run, engine, images } = this.parts;
    const { name, device, threads } = engine;
    return {
      kind: 'train',
      images: images.split.train.length,
      steps,
      loss: lossSum / steps,
      trainSeconds: seconds,
      imagesPerSecond: seconds > 0 ? (steps * run.recipe.rounds.batchSize) / seconds : 0,
      engine: { name, device, threads },
    };
  }
}

function now(): string {
  return new Date().toISOString();
}
