import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { UpdateVerifier, largestUpdateBytes, updateLayout, type UpdateLayout } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import { EvaluationService } from '../evaluation/evaluation.service.js';
import type { AssignmentContext } from '../runs/assignments/assignments.service.js';
import { UpdateThreadService, type UpdateCheck } from '../update-thread/update-thread.service.js';
import type { AnnouncedUpload } from './upload-request.js';
import { UploadStore } from './upload-store.js';
import type { UploadedBytes } from './uploaded-bytes.js';

/** An evaluation is read whole: sums and features, a few megabytes at the most. */
const MAX_EVALUATION_BYTES = 64 * 1024 * 1024;

/** A file that arrives, or has. */
export interface CheckedFile {
  readonly announced: AnnouncedUpload;
  readonly sizeBytes: number;
}

/** A file that has arrived whole. */
export interface WholeFile extends CheckedFile {
  readonly bytes: UploadedBytes;
}

/** Holds an uploaded file to what was announced and to what its run asks for, while it arrives. */
@Injectable()
export class UpdateCheckService {
  constructor(
    private readonly evaluation: EvaluationService,
    private readonly uploads: UploadStore,
    private readonly thread: UpdateThreadService,
  ) {}

  /**
   * Refuses what can never be right before any byte of it is taken.
   *
   * @throws TributaryError UPDATE_WRONG_SIZE.
   */
  assertSize(sizeBytes: number, context: AssignmentContext): void {
    const mostBytes = context.kind === 'train' ? largestUpdateBytes(layoutOf(context)) : MAX_EVALUATION_BYTES;
    if (sizeBytes <= mostBytes) return;
    throw new TributaryError('UPDATE_WRONG_SIZE', {
      assignmentId: context.assignment.id,
      detail: `${sizeBytes} bytes, and ${mostBytes} at the most can be right`,
    });
  }

  /** Goes on checking an update of which `bytes` have arrived, in another thread: little is left when it is whole. */
  arrived(upload: CheckedFile, context: AssignmentContext, bytes: number): void {
    if (this.uploads.isReadableEarly && context.kind === 'train')
      this.thread.arrived(this.checkOf(upload, context), bytes);
  }

  /** The upload is gone. */
  forget(assignmentId: string): void {
    this.thread.forget(assignmentId);
  }

  /**
   * Checks a file that has arrived whole.
   *
   * @throws TributaryError UPDATE_WRONG_SIZE, UPDATE_WRONG_HASH, UPDATE_WRONG_MANIFEST, UPDATE_NOT_FINITE,
   *         SAFETENSORS_INVALID, UPLOAD_METADATA_INVALID, DATA_TOO_FEW_IMAGES.
   */
  async check(upload: WholeFile, context: AssignmentContext): Promise<void> {
    const { announced } = upload;
    const { kind, run } = context;
    if (announced.report.kind !== kind) {
      throw new TributaryError('UPLOAD_METADATA_INVALID', { detail: `report.kind: ${kind}` });
    }
    if (announced.report.kind === 'train') {
      const { minImages } = run.recipe.rounds;
      if (announced.report.images < minImages) {
        throw new TributaryError('DATA_TOO_FEW_IMAGES', { detail: `${announced.report.images} of ${minImages}` });
      }
      await this.checkUpdate(this.checkOf(upload, context), upload.bytes.held);
    } else await this.checkEvaluation(upload);
  }

  private checkOf({ announced, sizeBytes }: CheckedFile, context: AssignmentContext): UpdateCheck {
    const { assignmentId, sha256 } = announced;
    const { manifest, compression } = layoutOf(context);
    const address = this.uploads.addressOf(assignmentId);
    return { assignmentId, address, expected: { sizeBytes, sha256, manifest, compression } };
  }

  /** What is held is so small that asking the thread would cost more. */
  private async checkUpdate(check: UpdateCheck, held: Buffer | null): Promise<void> {
    if (held === null) return this.thread.finish(check);
    const verifier = new UpdateVerifier(check.expected);
    verifier.push(held);
    verifier.finish();
  }

  private async checkEvaluation({ announced, bytes: { held } }: WholeFile): Promise<void> {
    const bytes = held ?? (await buffer(await this.uploads.read(announced.assignmentId)));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== announced.sha256) throw new TributaryError('UPDATE_WRONG_HASH');
    this.evaluation.check(bytes);
  }
}

function layoutOf({ run, assignment: { siteId }, round }: AssignmentContext): UpdateLayout {
  if (run.manifest === null) throw new Error(`run ${run.id} has no manifest`);
  const { recipe, manifest, sites } = run;
  return updateLayout({ recipe, manifest, sites, siteId, round });
}
