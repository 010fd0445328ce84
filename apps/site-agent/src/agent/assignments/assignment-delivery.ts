import { Injectable } from '@nestjs/common';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RESULT_FILE, TributaryError, type AssignmentOffer, type Problem, type ReportFile } from '@tributary/protocol';
import { advancing, retryUntilDone } from '../coordinator-client/backoff.js';
import { CoordinatorSocket } from '../coordinator-client/coordinator-socket.js';
import { UpdateUpload, type Upload } from '../coordinator-client/update-upload.js';
import { AssignmentStore } from './assignment-store.js';
import { Ledger, ledgerEntry } from './ledger.js';

/** A result whose bytes a proxy spoils every time is not sent for ever. */
const MAX_WRONG_HASHES = 3;

/** Sends a finished result: the ledger first, then the upload, resumed until it is whole. */
@Injectable()
export class AssignmentDelivery {
  constructor(
    private readonly store: AssignmentStore,
    private readonly ledger: Ledger,
    private readonly uploads: UpdateUpload,
    private readonly socket: CoordinatorSocket,
  ) {}

  /** Tells the coordinator that no result will come. */
  fail(offer: AssignmentOffer, problem: Problem, signal: AbortSignal): Promise<void> {
    return this.socket.reportFailure({ assignmentId: offer.assignmentId, problem }, signal);
  }

  /** @param resume True when an earlier process may have sent a part of it. */
  async deliver(offer: AssignmentOffer, report: ReportFile, { resume, signal }: DeliveryOptions): Promise<void> {
    await this.ledger.record(ledgerEntry(offer, report, new Date()));
    const { assignmentId } = offer;
    const upload: Upload = {
      open: () => open(join(this.store.folder(offer), RESULT_FILE), 'r'),
      sizeBytes: report.sizeBytes,
      metadata: { assignmentId, sha256: report.sha256, report: JSON.stringify(report.report) },
    };
    let done = 0;
    const onOffset = (bytes: number): void => {
      done = bytes;
      // That all of it is there is the answer itself: the assignment is received by then.
      if (bytes === report.sizeBytes) return;
      this.socket.reportProgress({ assignmentId, stage: 'uploading', done, total: report.sizeBytes });
    };
    let attempts = 0;
    const send = async (): Promise<void> => {
      attempts += 1;
      await this.uploads.send(upload, { signal, resume: resume || attempts > 1, onOffset });
    };
    const hasAdvanced = advancing(() => done);
    await retryUntilDone(send, { signal, mayRetry: untilSpoilt(), hasAdvanced }).catch((error: unknown) => {
      if (!isReceivedAlready(error)) throw error;
    });
  }
}

export interface DeliveryOptions {
  readonly resume: boolean;
  readonly signal: AbortSignal;
}

/** The first update that arrived counts; this one was it, or is not wanted any more. */
function isReceivedAlready(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'UPDATE_CONFLICT';
}

/** As the catalogue says, but a result that arrives with a wrong hash again and again is given up. */
function untilSpoilt(): (error: TributaryError) => boolean {
  let wrongHashes = 0;
  return ({ code, spec }) => {
    if (code === 'UPDATE_WRONG_HASH') wrongHashes += 1;
    return spec.retryable && wrongHashes < MAX_WRONG_HASHES;
  };
}
