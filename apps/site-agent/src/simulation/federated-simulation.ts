import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { initialModel } from '@tributary/diffusion/initial-model';
import {
  aggregateRound,
  CONTROL_VECTOR,
  createStrategy,
  serverStep,
  updateInput,
  updateLayout,
  UpdateVerifier,
} from '@tributary/federation';
import { serverAverages } from '@tributary/federation/averages/server-averages';
import type { Recipe } from '@tributary/protocol';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import type { Engine } from '@tributary/tensor';
import { writeParameterFile } from '@tributary/safetensors';
import { SimulatedSite, type FinishedTask } from './simulated-site.js';

export interface SimulationOptions {
  readonly recipe: Recipe;
  /** Image folders by site id. */
  readonly images: Readonly<Record<string, string>>;
  /** Empty; everything that sites and server keep goes there. */
  readonly directory: string;
  readonly engine: Engine;
}

/** The server's files after a round. */
export interface ServerModel {
  readonly weights: string;
  readonly ema: string;
  /** The strategy's vectors and the averages of other widths, by name. */
  readonly state: Readonly<Record<string, string>>;
}

export interface SimulatedRound {
  readonly n: number;
  /** Mean of the sites' losses. */
  readonly loss: number;
  readonly bytesUp: number;
  /** Of the next weights. */
  readonly sha256: string;
}

/** A federated run in one process and one thread: the trainers' and the coordinator's own code, without the network between. */
export class FederatedSimulation {
  private roundsDone = 0;

  private constructor(
    private readonly options: SimulationOptions,
    readonly manifest: ParameterManifest,
    readonly sites: SimulatedSite[],
    private current: ServerModel,
  ) {}

  static async open(options: SimulationOptions): Promise<FederatedSimulation> {
    const { recipe, images, directory } = options;
    const sites = Object.keys(images).toSorted();
    const opened: SimulatedSite[] = [];
    for (const siteId of sites) opened.push(await openSite(options, siteId));
    const { manifest, weights: flat } = initialModel(recipe, sites.length);
    const weights = join(directory, 'global-0.safetensors');
    await writeParameterFile(weights, { manifest, flat });
    return new FederatedSimulation(options, manifest, opened, { weights, ema: weights, state: {} });
  }

  /** The newest global model. */
  get model(): ServerModel {
    return this.current;
  }

  /** Every site in turn, each held to its manifest as by the coordinator, then the aggregation. */
  async round(): Promise<SimulatedRound> {
    const n = this.roundsDone + 1;
    const { weights, state } = this.current;
    const tasks: FinishedTask[] = [];
    for (const site of this.sites) {
      const task = await site.train(n, { weights, control: state[CONTROL_VECTOR] });
      await this.verify(site.siteId, n, task);
      tasks.push(task);
    }
    const { next, sha256 } = await this.aggregate(n, tasks);
    await this.forget(tasks);
    this.current = next;
    this.roundsDone = n;
    const losses = tasks.map(({ report }) => (report.report.kind === 'train' ? report.report.loss : NaN));
    return { n, loss: mean(losses), bytesUp: sum(tasks.map(({ report }) => report.sizeBytes)), sha256 };
  }

  /** Ends a site's trainer and starts another one from what the old one left on the disk. */
  async restart(siteId: string): Promise<void> {
    const place = this.sites.findIndex((site) => site.siteId === siteId);
    await this.sites[place]?.close();
    this.sites[place] = await openSite(this.options, siteId);
  }

  async close(): Promise<void> {
    for (const site of this.sites) await site.close();
  }

  private async verify(siteId: string, round: number, { path, report }: FinishedTask): Promise<void> {
    const { manifest, compression } = updateLayout(this.context(siteId, round));
    const { sizeBytes, sha256 } = report;
    const verifier = new UpdateVerifier({ sizeBytes, sha256, manifest, compression });
    verifier.push(await readFile(path));
    verifier.finish();
  }

  private async aggregate(n: number, tasks: readonly FinishedTask[]) {
    const { recipe, directory } = this.options;
    const names = createStrategy(recipe.strategy).serverOptimiser.stateVectors.map(({ name }) => name);
    const averages = serverAverages(recipe.serverEma, n - 1);
    const pathOf = (name: string): string => join(directory, `${name}-${n}.safetensors`);
    const others = averages.flatMap(({ name }) => name ?? []);
    const next: ServerModel = {
      weights: pathOf('global'),
      ema: pathOf('ema'),
      state: Object.fromEntries([...names, ...others].map((name) => [name, pathOf(name)])),
    };
    const { weights } = await aggregateRound({
      strategy: recipe.strategy,
      siteCount: this.sites.length,
      adamW: serverStep(recipe, n - 1),
      manifest: this.manifest,
      updates: tasks.map((task, place) => this.input(n, this.sites[place]?.siteId ?? '', task)),
      globalPath: this.current.weights,
      averages: averages.map(({ name, decay }) => ({
        decay,
        previousPath: name === null ? this.current.ema : this.current.state[name],
        path: pathOf(name ?? 'ema'),
      })),
      statePaths: this.current.state,
      out: { weightsPath: next.weights, statePaths: next.state },
    });
    return { next, sha256: weights.sha256 };
  }

  private input(n: number, siteId: string, { path, report: { report } }: FinishedTask) {
    if (report.kind !== 'train') throw new RangeError('only trained updates are aggregated');
    return updateInput(this.context(siteId, n), { path, images: report.images, localSteps: report.steps });
  }

  private context(siteId: string, round: number) {
    const { recipe, images } = this.options;
    return { recipe, manifest: this.manifest, sites: Object.keys(images).toSorted(), siteId, round };
  }

  /** Only the newest global model and the initial one are needed. */
  private async forget(tasks: readonly FinishedTask[]): Promise<void> {
    for (const { path } of tasks) await rm(dirname(path), { recursive: true });
    if (this.roundsDone === 0) return;
    const { weights, ema, state } = this.current;
    for (const file of [weights, ema, ...Object.values(state)]) await rm(file, { force: true });
  }
}

async function openSite({ recipe, images, directory, engine }: SimulationOptions, siteId: string) {
  const runDirectory = join(directory, siteId);
  await mkdir(runDirectory, { recursive: true });
  const sites = Object.keys(images).toSorted();
  return SimulatedSite.open({
    siteId,
    sites,
    recipe,
    runDirectory,
    engine,
    imagesDirectory: images[siteId] ?? '',
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
