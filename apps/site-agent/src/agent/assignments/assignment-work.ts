import { Injectable } from '@nestjs/common';
import { join } from 'node:path';
import { TributaryError, type AssignmentOffer, type ReportFile, type TrainingMoments } from '@tributary/protocol';
import { advancing, retryUntilDone } from '../coordinator-client/backoff.js';
import { BlobCache } from '../coordinator-client/blob-cache.js';
import { CoordinatorSocket } from '../coordinator-client/coordinator-socket.js';
import { RunTrainers } from '../trainer-process/run-trainers.js';
import { AssignmentStore } from './assignment-store.js';
import { EarlierFiles } from './earlier-files.js';
import { readReport, taskBlobs, writeTask } from './task-folder.js';

const PREFETCHED_BYTES = 4 * 1024 ** 2;

/** The report of a finished result; `moments` of the parts that were done by this process. */
export interface FinishedWork {
  readonly report: ReportFile;
  readonly moments: { readonly downloadedAt?: string } & Partial<TrainingMoments>;
}

/** Gets an accepted assignment done: download, train or evaluate. What the folder already holds is not done again. */
@Injectable()
export class AssignmentWork {
  constructor(
    private readonly store: AssignmentStore,
    private readonly blobs: BlobCache,
    private readonly earlier: EarlierFiles,
    private readonly trainers: RunTrainers,
    private readonly socket: CoordinatorSocket,
  ) {}

  /**
   * Begins to fetch what an offer needs while it is being decided on: a short round waits for little else. Only in runs that
   * the site trains in already, so that nothing is fetched in vain, and only what is so small that nobody asks how far it
   * is. What fails is tried again by `perform`.
   */
  async prefetch(offer: AssignmentOffer, signal: AbortSignal): Promise<void> {
    if (!this.trainers.serves(offer.runId)) return;
    const { assignmentId } = offer;
    const small = taskBlobs(offer).filter(([, { sizeBytes }]) => sizeBytes <= PREFETCHED_BYTES);
    const fetching = async (wanted: (typeof small)[number]): Promise<void> => {
      const base = await this.earlier.baseOf(offer, wanted);
      await this.blobs.fetch(wanted[1], { signal, assignmentId, base });
    };
    for (const wanted of small) await fetching(wanted).catch(() => undefined);
  }

  async perform(offer: AssignmentOffer, signal: AbortSignal): Promise<FinishedWork> {
    const folder = this.store.folder(offer);
    const finished = await readReport(folder);
    if (finished !== undefined) return { report: finished, moments: {} };
    await Promise.all([writeTask(folder, offer), this.download(offer, folder, signal)]);
    const downloadedAt = new Date().toISOString();
    const moments = await this.train(offer, folder, signal);
    const report = await readReport(folder);
    if (report === undefined)
      throw new TributaryError('TRAINER_TASK_INVALID', { detail: 'the trainer left no report' });
    return { report, moments: { downloadedAt, ...moments } };
  }

  /** Nothing more comes for a run: its trainer goes, and what only the trainer needed. */
  async endRun(runId: string): Promise<void> {
    await this.trainers.stop(runId);
    await this.store.clear(runId);
  }

  stop(): Promise<void> {
    return this.trainers.stopAll();
  }

  private async download(offer: AssignmentOffer, folder: string, signal: AbortSignal): Promise<void> {
    const { assignmentId } = offer;
    const blobs = taskBlobs(offer);
    const total = blobs.reduce((sum, [, blob]) => sum + blob.sizeBytes, 0);
    let done = 0;
    const report = throttled(() => {
      this.socket.reportProgress({ assignmentId, stage: 'downloading', done: Math.min(done, total), total });
    });
    const onBytes = (bytes: number): void => {
      done += bytes;
      report();
    };
    const retrying = { signal, hasAdvanced: advancing(() => done) };
    for (const wanted of blobs) {
      const [file, blob] = wanted;
      const place = async (): Promise<void> => {
        const base = await this.earlier.baseOf(offer, wanted);
        await this.blobs.place(blob, join(folder, file), { signal, assignmentId, onBytes, base });
      };
      await retryUntilDone(place, retrying);
    }
  }

  private async train(
    offer: AssignmentOffer,
    folder: string,
    signal: AbortSignal,
  ): Promise<TrainingMoments | undefined> {
    const { assignmentId, kind } = offer;
    const stage = kind === 'train' ? 'training' : 'evaluating';
    this.socket.reportProgress({ assignmentId, stage, done: 0, total: 0 });
    const trainer = await this.trainers.forOffer(offer);
    return trainer.perform({
      assignmentId,
      folder,
      signal,
      onProgress: ({ type: _type, ...progress }) => this.socket.reportProgress(progress),
    });
  }
}

const REPORT_EVERY_MS = 500;

/** Reports at most twice a second. */
function throttled(report: () => void): () => void {
  let nextMs = 0;
  return () => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + REPORT_EVERY_MS;
    report();
  };
}
