import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelVersion, RunView } from '@tributary/protocol';
import { z } from 'zod';
import { hasEnded } from '../../support/consortium.js';
import { DisturbedConsortium } from './disturbed-consortium.js';
import { chaosRecipe, type ChaosRecipe } from './recipes.js';
import { faults, type Fault, type LinkFault, type Victim } from './schedule.js';

const LOOK_EVERY_MS = 250;
/** A run that has not ended this long after its last fault is stuck, on a machine that is busy with other things too. */
const STUCK_AFTER_MS = 600_000;

export interface ChaosOptions {
  /** An empty folder. */
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  /** Taken in turn, one a run. */
  readonly recipes: readonly ChaosRecipe[];
  readonly rounds: number;
  /** No further run is begun, and no further fault made, this long after the undisturbed ones. */
  readonly minutes: number;
  readonly withPostgres: boolean;
  readonly print: (line: string) => void;
}

export interface ChaosResult {
  readonly kills: Readonly<Record<Victim, number>>;
  readonly linkFaults: number;
  readonly fullDisks: number;
  readonly runs: number;
  /** Runs that completed with the bytes of the undisturbed one; all of them, or something is wrong. */
  readonly equalRuns: number;
  /** What was wrong, a sentence each. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

/**
 * Run after run under a seeded schedule of faults, until so many processes have been killed. Each run must complete by itself
 * with the very weights of an undisturbed run of the same recipe.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const startedMs = performance.now();
  const say = (line: string): void => options.print(`${clock(performance.now() - startedMs)} ${line}`);
  const disturbed = await DisturbedConsortium.open(options.directory, { ...options, say });
  const chaos = new Chaos(disturbed, options, say);
  try {
    await chaos.run();
  } catch (error) {
    chaos.failures.push(error instanceof Error ? error.message : String(error));
  } finally {
    const outlived = await disturbed.close();
    if (outlived > 0) chaos.failures.push(`${outlived} trainers outlived their agents`);
  }
  const { kills, linkFaults, fullDisks, runs, equalRuns, failures } = chaos;
  return { kills, linkFaults, fullDisks, runs, equalRuns, failures, seconds: (performance.now() - startedMs) / 1000 };
}

class Chaos {
  readonly kills: Record<Victim, number> = { coordinator: 0, database: 0, agent: 0, trainer: 0, machine: 0 };
  readonly failures: string[] = [];
  linkFaults = 0;
  fullDisks = 0;
  runs = 0;
  equalRuns = 0;
  private readonly schedule: Generator<Fault, never>;
  private readonly references = new Map<ChaosRecipe, ModelVersion>();
  private untilMs = 0;

  constructor(
    private readonly disturbed: DisturbedConsortium,
    private readonly options: ChaosOptions,
    private readonly say: (line: string) => void,
  ) {
    this.schedule = faults(options.seed);
  }

  async run(): Promise<void> {
    const { recipes, rounds } = this.options;
    for (const name of recipes) {
      const { consortium } = this.disturbed;
      const version = await consortium.completed(await consortium.createRun(chaosRecipe(name, rounds)), STUCK_AFTER_MS);
      this.references.set(name, version);
      this.say(`undisturbed ${name}: weights ${version.weights.sha256.slice(0, 16)}`);
    }
    this.untilMs = performance.now() + this.options.minutes * 60_000;
    while (this.mayDisturb()) {
      const name = recipes[this.runs % recipes.length];
      if (name === undefined) throw new RangeError('chaos needs a recipe');
      await this.disturbedRun(name);
    }
  }

  private get killCount(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0);
  }

  private mayDisturb(): boolean {
    return this.killCount < this.options.kills && performance.now() < this.untilMs;
  }

  private async disturbedRun(name: ChaosRecipe): Promise<void> {
    const { consortium } = this.disturbed;
    await this.disturbed.settled();
    const runId = await consortium.createRun(chaosRecipe(name, this.options.rounds));
    this.runs += 1;
    const watch = new RunWatch(this.disturbed, runId);
    while (!watch.hasEnded && this.mayDisturb()) await this.disturb(watch);
    await watch.end(STUCK_AFTER_MS);
    await this.disturbed.settled();
    await this.compare(name, runId);
  }

  private async disturb(watch: RunWatch): Promise<void> {
    const fault = this.schedule.next().value;
    await sleep(fault.pauseMs);
    if (watch.hasEnded || !(await this.disturbed.inflict(fault))) return;
    if (fault.kind === 'kill') this.kills[fault.victim] += 1;
    else if (fault.kind === 'full-disk') this.fullDisks += 1;
    else this.linkFaults += 1;
    this.say(`run ${this.runs}, ${watch.place}: ${textOf(fault)}`);
  }

  private async compare(name: ChaosRecipe, runId: string): Promise<void> {
    const { consortium } = this.disturbed;
    const version = await consortium.completed(runId);
    const reference = this.references.get(name);
    const isEqual = version.weights.sha256 === reference?.weights.sha256 && version.ema.sha256 === reference.ema.sha256;
    const { events } = await consortium.events(runId);
    const published = events.filter(({ kind }) => kind === 'round.published').map(({ round }) => round);
    const { ok } = await consortium.request(z.object({ ok: z.boolean() }), '/v1/audit/verify');
    if (!isEqual) this.failures.push(`run ${this.runs} (${name}) ended with other weights`);
    if (new Set(published).size !== published.length)
      this.failures.push(`run ${this.runs} (${name}) published a round twice`);
    if (!ok) this.failures.push(`the audit's chain is broken after run ${this.runs}`);
    if (isEqual) this.equalRuns += 1;
    this.say(
      `run ${this.runs} (${name}) completed: weights ${version.weights.sha256.slice(0, 16)} ${isEqual ? 'equal' : 'DIFFERENT'}`,
    );
  }
}

/** Follows a run, as far as the coordinator answers. */
class RunWatch {
  private view: RunView | undefined;
  private readonly ended: Promise<void>;
  private isOver = false;

  constructor(
    private readonly disturbed: DisturbedConsortium,
    private readonly runId: string,
  ) {
    this.ended = this.follow();
  }

  get hasEnded(): boolean {
    return this.view !== undefined && hasEnded(this.view);
  }

  get place(): string {
    const round = this.view?.currentRound;
    return round == null ? (this.view?.state ?? 'begins') : `round ${round.n}`;
  }

  /** @throws Error when it has not ended after `withinMs`. */
  async end(withinMs: number): Promise<void> {
    const timer = new AbortController();
    const overdue = sleep(withinMs, true, { signal: timer.signal }).catch(() => false);
    const isStuck = await Promise.race([this.ended.then(() => false), overdue]);
    timer.abort();
    this.isOver = true;
    if (isStuck) throw new Error(`the run is stuck: ${JSON.stringify(this.view)}`);
  }

  private async follow(): Promise<void> {
    while (!this.hasEnded && !this.isOver) {
      await sleep(LOOK_EVERY_MS);
      this.view = await this.disturbed.consortium.run(this.runId).catch(() => this.view);
    }
  }
}

function textOf(fault: Fault): string {
  if (fault.kind === 'full-disk') return `disk of ${fault.disk} full for ${fault.forMs} ms`;
  if (fault.kind !== 'kill') return `link of ${fault.site}: ${textOfLink(fault)}`;
  const { victim, site, moment, delayMs, downMs } = fault;
  const whose = victim === 'agent' || victim === 'trainer' ? ` of ${site}` : '';
  const when = moment === 'upload' ? `, ${delayMs} ms after ${site} began to upload` : '';
  return `kill -9 ${victim}${whose}${when}${victim === 'trainer' ? '' : `, back after ${downMs} ms`}`;
}

function textOfLink({ kind, forMs }: LinkFault): string {
  return kind === 'drop' || kind === 'address' ? kind : `${kind} for ${forMs} ms`;
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}
