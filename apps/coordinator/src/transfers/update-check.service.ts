import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { UpdateVerifier, updateLayout } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import { EvaluationService } from '../evaluation/evaluation.service.js';
import type { AssignmentContext } from '../runs/assignments.service.js';
import type { AnnouncedUpload } from './upload-request.js';

const WINDOW_BYTES = 1024 * 1024;
/** An evaluation is read whole: sums and features, a few megabytes at the most. */
const MAX_EVALUATION_BYTES = 64 * 1024 * 1024;

/** Holds an uploaded file to what was announced and to what its run asks for, a window at a time. */
@Injectable()
export class UpdateCheckService {
  constructor(private readonly evaluation: EvaluationService) {}

  /**
   * @throws TributaryError UPDATE_WRONG_SIZE, UPDATE_WRONG_HASH, UPDATE_WRONG_MANIFEST, UPDATE_NOT_FINITE,
   *         SAFETENSORS_INVALID, UPLOAD_METADATA_INVALID, DATA_TOO_FEW_IMAGES.
   */
  async check(path: string, upload: { announced: AnnouncedUpload; sizeBytes: number }, context: AssignmentContext) {
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
      await this.checkUpdate(path, upload, context);
    } else await this.checkEvaluation(path, upload);
  }

  private async checkUpdate(
    path: string,
    { announced, sizeBytes }: { announced: AnnouncedUpload; sizeBytes: number },
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
    for await (const chunk of windowsOf(path)) verifier.push(chunk);
    verifier.finish();
  }

  private async checkEvaluation(
    path: string,
    { announced, sizeBytes }: { announced: AnnouncedUpload; sizeBytes: number },
  ): Promise<void> {
    if (sizeBytes > MAX_EVALUATION_BYTES)
      throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'too large for an evaluation' });
    const hash = createHash('sha256');
    for await (const chunk of windowsOf(path)) hash.update(chunk);
    if (hash.digest('hex') !== announced.sha256) throw new TributaryError('UPDATE_WRONG_HASH');
    await this.evaluation.check(path);
  }
}

function windowsOf(path: string): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: WINDOW_BYTES });
}
