import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { OWN_MODEL_FILE, RUN_FILE, type AssignmentOffer } from '@tributary/protocol';
import { readJson } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';
import { assignmentRecordSchema, isSettled, type AssignmentRecord } from './assignment-record.js';

const STATE_FILE = 'state.json';

/** Settled assignments of a run whose folders are kept, for a look at what happened. */
const KEPT_ASSIGNMENTS = 3;

/** The durable assignments of a site: `runs/<runId>/<assignmentId>/state.json`, each replaced as a whole. */
export class AssignmentStore {
  private readonly cache = new Map<string, AssignmentRecord>();

  constructor(
    private readonly runsDirectory: string,
    private readonly log?: Logger,
  ) {}

  runFolder(runId: string): string {
    return join(this.runsDirectory, runId);
  }

  folder({ runId, assignmentId }: Pick<AssignmentOffer, 'runId' | 'assignmentId'>): string {
    return join(this.runsDirectory, runId, assignmentId);
  }

  async find(offer: Pick<AssignmentOffer, 'runId' | 'assignmentId'>): Promise<AssignmentRecord | undefined> {
    const cached = this.cache.get(offer.assignmentId);
    if (cached !== undefined) return cached;
    const record = await readJson(join(this.folder(offer), STATE_FILE), assignmentRecordSchema, 'CONFIG_INVALID');
    if (record !== undefined) this.cache.set(offer.assignmentId, record);
    return record;
  }

  /**
   * On the disk when it returns: what the coordinator is told afterwards is true after any crash.
   *
   * @param facts Further fields for the log's line of this change.
   */
  async save(change: Omit<AssignmentRecord, 'updatedAt'>, facts: object = {}): Promise<AssignmentRecord> {
    const { offer, state, problem } = change;
    const { runId, round, assignmentId } = offer;
    const record = { ...change, updatedAt: new Date().toISOString() };
    const folder = this.folder(offer);
    await mkdir(folder, { recursive: true });
    await writeFileAtomically(join(folder, STATE_FILE), JSON.stringify(record));
    this.cache.set(assignmentId, record);
    this.log?.info(
      { runId, round, assignmentId, code: problem?.code, message: problem?.message, ...facts },
      `assignment ${state}`,
    );
    return record;
  }

  async runIds(): Promise<string[]> {
    return foldersIn(this.runsDirectory);
  }

  /** The records of a run that are still on the disk, oldest first. */
  async list(runId: string): Promise<AssignmentRecord[]> {
    const ids = await foldersIn(this.runFolder(runId));
    const records = await Promise.all(ids.map((assignmentId) => this.find({ runId, assignmentId })));
    return records
      .filter((record) => record !== undefined)
      .sort((a, b) => a.offer.round - b.offer.round || a.offer.attempt - b.offer.attempt);
  }

  /** Removes what a run that has ended leaves beside its assignments, such as the optimiser's moments; its own model stays. */
  async clear(runId: string): Promise<void> {
    const entries = await readdir(this.runFolder(runId), { withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile() && ![RUN_FILE, OWN_MODEL_FILE].includes(entry.name));
    await Promise.all(files.map(({ name }) => rm(join(this.runFolder(runId), name), { force: true })));
  }

  /** Removes the folders of all but the last few settled assignments of a run. */
  async prune(runId: string, kept = KEPT_ASSIGNMENTS): Promise<void> {
    const settled = (await this.list(runId)).filter(isSettled);
    for (const { offer } of settled.slice(0, Math.max(0, settled.length - kept))) {
      await rm(this.folder(offer), { recursive: true, force: true });
      this.cache.delete(offer.assignmentId);
    }
  }
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
