import { mkdirSync, readFileSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite } from '@tributary/imaging';
import {
  enrolmentResponseSchema,
  invitationResponseSchema,
  modelVersionSchema,
  runEventsResponseSchema,
  runViewSchema,
  type ModelVersion,
  type RecipeInput,
  type RunView,
} from '@tributary/protocol';
import { randomStream } from '@tributary/random';
import { z } from 'zod';
import {
  childrenOf,
  eventually,
  freePort,
  runProgram,
  startProgram,
  type Program,
  type ProgramSettings,
} from './processes.js';

const COORDINATOR = 'apps/coordinator/dist/main.js';
const SCANNERS = {
  'site-a': { scanner: 'T1w', format: 'dicom' },
  'site-b': { scanner: 'T2w', format: 'dicom' },
  'site-c': { scanner: 'T1c', format: 'nifti' },
} as const;
const AGENT = 'apps/site-agent/dist/main.js';
const TRIBUTARY = 'apps/cli/bin/tributary.mjs';

export interface ConsortiumOptions {
  readonly patients?: number;
  readonly imageSizePx?: number;
  /** Of the coordinator, such as `DATABASE_URL`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Where the coordinator is reached; by default at the port that it listens on. */
  readonly entryPort?: number;
  /** Engine of a site's trainer; absent: the quickest. */
  readonly engines?: Partial<Record<SiteId, 'onnx' | 'tensorflow'>>;
  /** What a site's programs are started within; see `ProgramSettings`. */
  readonly within?: (siteId: string) => readonly string[];
}

export type SiteId = keyof typeof SCANNERS;

/** A coordinator and its sites as real processes in one folder, for tests that kill them. */
export class Consortium {
  readonly siteIds = ['site-a', 'site-b', 'site-c'] as const;
  private readonly agents = new Map<string, Program>();
  private coordinator: Program | undefined;
  private apiKey = '';

  private constructor(
    readonly directory: string,
    readonly port: number,
    private readonly options: ConsortiumOptions,
  ) {}

  static async create(directory: string, options: ConsortiumOptions = {}): Promise<Consortium> {
    const { patients = 12, imageSizePx = 16 } = options;
    const consortium = new Consortium(directory, await freePort(), options);
    mkdirSync(join(directory, 'logs'), { recursive: true });
    const atlas = await loadAtlas();
    for (const siteId of consortium.siteIds) {
      await writePhantomSite({
        directory: consortium.imagesOf(siteId),
        site: { name: siteId, ...SCANNERS[siteId], lesionRate: 0.1 },
        patients,
        imageSizePx,
        atlas,
        random: (...path: (string | number)[]) => randomStream(11, siteId, ...path),
      });
    }
    const initialised = await runProgram(COORDINATOR, ['init', '--data-dir', consortium.dataDir, '--format', 'json'], {
      logFile: consortium.log('coordinator'),
    });
    consortium.apiKey = z.object({ apiKey: z.string() }).parse(JSON.parse(initialised.stdout)).apiKey;
    return consortium;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.entryPort ?? this.port}`;
  }

  get dataDir(): string {
    return join(this.directory, 'coordinator');
  }

  private get blobDir(): string {
    return this.options.environment?.['TRIBUTARY_BLOB_DIR'] ?? join(this.dataDir, 'blobs');
  }

  private settingsOf(siteId: string): ProgramSettings {
    return { logFile: this.log(siteId), within: this.options.within?.(siteId) };
  }

  imagesOf(siteId: string): string {
    return join(this.directory, 'hospital', siteId);
  }

  siteDir(siteId: string): string {
    return join(this.directory, 'agents', siteId);
  }

  log(name: string): string {
    return join(this.directory, 'logs', `${name}.log`);
  }

  /** Ids of all patients of all sites, as their labels.csv names them. */
  patientIds(): string[] {
    return this.siteIds.flatMap((siteId) => {
      const [, ...rows] = readFileSync(join(this.imagesOf(siteId), 'labels.csv'), 'utf8')
        .trim()
        .split('\n');
      return [...new Set(rows.map((row) => row.split(',')[0] ?? ''))];
    });
  }

  /** Everything that any process wrote outside of the hospitals' own image folders, as one text. */
  everythingLogged(): string {
    return readdirSync(join(this.directory, 'logs'))
      .map((file) => readFileSync(join(this.directory, 'logs', file), 'utf8'))
      .join('\n');
  }

  /** The coordinator's process; it does not answer yet. */
  launchCoordinator(): Program {
    this.coordinator = startProgram(
      COORDINATOR,
      ['start', '--data-dir', this.dataDir, '--port', String(this.port), '--format', 'json'],
      { logFile: this.log('coordinator'), environment: this.options.environment },
    );
    return this.coordinator;
  }

  async startCoordinator(): Promise<Program> {
    const program = this.launchCoordinator();
    await this.ready();
    return program;
  }

  async ready(): Promise<void> {
    await eventually('the coordinator answers', async () =>
      (await fetch(`${this.url}/health/ready`)).ok ? true : undefined,
    );
  }

  startAgent(siteId: string): Program {
    const program = startProgram(AGENT, ['start', '--data-dir', this.siteDir(siteId)], this.settingsOf(siteId));
    this.agents.set(siteId, program);
    return program;
  }

  async kill(name: 'coordinator' | (typeof this.siteIds)[number]): Promise<void> {
    const program = name === 'coordinator' ? this.coordinator : this.agents.get(name);
    program?.child.kill('SIGKILL');
    await program?.exited;
  }

  /** Process id of a site's trainer, once it has one. */
  trainerOf(siteId: string): number | undefined {
    const agent = this.agents.get(siteId);
    return agent === undefined ? undefined : childrenOf(agent.pid)[0];
  }

  async request<S extends z.ZodType>(schema: S, path: string, body?: unknown): Promise<z.infer<S>> {
    const response = await fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return schema.parse(answer);
  }

  /**
   * Coordinator, study, three enrolled and approved sites, agents running.
   *
   * @param urlFor Where a site reaches the coordinator.
   */
  async open(
    urlFor: (siteId: SiteId) => string = () => this.url,
  ): Promise<{ readonly coordinator: Program; readonly agents: ReadonlyMap<string, Program> }> {
    const coordinator = await this.startCoordinator();
    await this.request(z.unknown(), '/v1/studies', {
      id: 'brains',
      title: 'Brains',
      modality: 'MR',
      classes: [...PHANTOM_CLASSES],
      scarceClasses: [],
      image: { sizePx: 16, channels: 1 },
    });
    for (const siteId of this.siteIds) {
      const { token } = await this.request(invitationResponseSchema, '/v1/studies/brains/invitations', { siteId });
      const args = [
        'enroll',
        '--url',
        urlFor(siteId),
        '--token',
        token,
        '--data-dir',
        this.siteDir(siteId),
        '--images',
        this.imagesOf(siteId),
        '--engine',
        this.options.engines?.[siteId] ?? 'auto',
        '--threads',
        '1',
        '--format',
        'json',
      ];
      const enrolled = await runProgram(AGENT, args, this.settingsOf(siteId));
      const { fingerprint } = enrolmentResponseSchema.pick({ fingerprint: true }).parse(JSON.parse(enrolled.stdout));
      await this.request(z.unknown(), `/v1/sites/${siteId}/approve`, { fingerprint });
      writeFileSync(
        join(this.siteDir(siteId), 'policy.yaml'),
        'version: 1\nrecipes:\n  approval: standing\n  limits:\n    minImagesPerUpdate: 1\n',
      );
      this.startAgent(siteId);
    }
    return { coordinator, agents: new Map(this.agents) };
  }

  /** A command of the admin; its exit code and its answer. */
  async tributary(...args: string[]): Promise<{ readonly code: number | null; readonly answer: unknown }> {
    const environment = { TRIBUTARY_URL: this.url, TRIBUTARY_API_KEY: this.apiKey };
    const settings = { logFile: this.log('tributary'), environment };
    const { code, stdout } = await runProgram(TRIBUTARY, ['--format', 'json', ...args], settings);
    return { code, answer: JSON.parse(stdout) };
  }

  async createRun(recipe: RecipeInput): Promise<string> {
    return (await this.request(z.object({ id: z.string() }), '/v1/runs', { studyId: 'brains', recipe })).id;
  }

  async run(runId: string): Promise<RunView> {
    return this.request(runViewSchema, `/v1/runs/${runId}`);
  }

  async events(runId: string): Promise<z.infer<typeof runEventsResponseSchema>> {
    return this.request(runEventsResponseSchema, `/v1/runs/${runId}/events?after=0&waitSeconds=0`);
  }

  /** The run's final model version, once it has completed. */
  async completed(runId: string, timeoutMs = 120_000): Promise<ModelVersion> {
    const ended = await eventually(
      'the run ends',
      async () => {
        const view = await this.run(runId);
        return hasEnded(view) ? view : undefined;
      },
      timeoutMs,
    );
    if (ended.state !== 'completed') throw new Error(`the run is ${ended.state}: ${JSON.stringify(ended.problem)}`);
    const versions = await this.request(z.array(modelVersionSchema), `/v1/models?runId=${runId}`);
    const last = versions.find((version) => version.round === ended.rounds);
    if (last === undefined) throw new Error('a completed run has its last version');
    return last;
  }

  /** Waits until a site begins to send an update. @returns False when it did not in time. */
  async uploadBegins(siteId: string, withinMs: number): Promise<boolean> {
    const begun = Promise.withResolvers<true>();
    // A file of the upload appears, named by its assignment: polling would see short uploads too late.
    const watcher = watch(join(this.blobDir, 'uploads'), (_, file) => {
      if (file?.endsWith(siteId) === true) begun.resolve(true);
    });
    const timer = new AbortController();
    const overdue = sleep(withinMs, false, { signal: timer.signal }).catch(() => false);
    const hasBegun = await Promise.race([begun.promise, overdue]);
    timer.abort();
    watcher.close();
    return hasBegun;
  }

  async close(): Promise<void> {
    for (const program of [...this.agents.values(), this.coordinator]) {
      program?.child.kill('SIGKILL');
      await program?.exited;
    }
  }
}

/** A run that waits for room on the disk goes on by itself. */
export function hasEnded({ state, pauseCause }: RunView): boolean {
  return ['completed', 'failed', 'paused', 'cancelled'].includes(state) && pauseCause !== 'storage';
}
