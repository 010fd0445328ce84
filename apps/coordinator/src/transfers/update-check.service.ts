import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { UpdateVerifier, updateLayout } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import { EvaluationService } from '../evaluation/evaluation.service.js';
import type { AssignmentContext } from '../runs/assignments.service.js';
import type { AnnouncedUpload } from './upload-request.js';

/** An evaluation is read whole: sums and features, a few megabytes at the most. */
const MAX_EVALUATION_BYTES = 64 * 1024 * 1024;

/** A file that has arrived whole. */
export interface WholeUpload {
  readonly announced: AnnouncedUpload;
  readonly sizeBytes: number;
  /** Its bytes, from the first. */
  readonly read: () => Promise<Readable>;
}

/** Holds an uploaded file to what was announced and to what its run asks for, a window at a time. */
@Injectable()
export class UpdateCheckService {
  constructor(private readonly evaluation: EvaluationService) {}

  /**
   * @throws TributaryError UPDATE_WRONG_SIZE, UPDATE_WRONG_HASH, UPDATE_WRONG_MANIFEST, UPDATE_NOT_FINITE,
   *         SAFETENSORS_INVALID, UPLOAD_METADATA_INVALID, DATA_TOO_FEW_IMAGES.
   */
  async check(upload: WholeUpload, context: AssignmentContext): Promise<void> {
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
      await this.checkUpdate(upload, context);
    } else await this.checkEvaluation(upload);
  }

  private async checkUpdate(
    { announced, sizeBytes, read }: WholeUpload,
    { run, assignment, round }: AssignmentContext,
  ): Promise<void> {
    if (run.manifest === null) throw new Error(`run ${run.id} has no manifest`);
    const { recipe, sites } = run;
    const { manifest, compression } = updateLayout({
      recipe,
      manifest: run.manifest,
      sites,
      siteId: assignment.siteId,
      round,
    });
    const verifier = new UpdateVerifier({ sizeBytes, sha256: announced.sha256, manifest, compression });
    const windows: AsyncIterable<Buffer> = await read();
    for await (const window of windows) verifier.push(window);
    verifier.finish();
  }

  private async checkEvaluation({ announced, sizeBytes, read }: WholeUpload): Promise<void> {
    if (sizeBytes > MAX_EVALUATION_BYTES)
      throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'too large for an evaluation' });
    const bytes = await buffer(await read());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== announced.sha256) throw new TributaryError('UPDATE_WRONG_HASH');
    this.evaluation.check(bytes);
  }
}
