import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable } from '@nestjs/common';
import {
  TributaryError,
  fromProblem,
  parseOrThrow,
  problemSchema,
  sha256Schema,
  type BlobRef,
  type Recipe,
} from '@tributary/protocol';
import { parameterManifestSchema, type ParameterManifest } from '@tributary/protocol/manifest';
import { z } from 'zod';
import { BlobStore } from '../platform/blobs/blob-store.js';
import type { BlobSettings } from '../platform/blobs/open-blob-bytes.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';

const PROGRAM = fileURLToPath(new URL('./initial-model-process.js', import.meta.url));
const answerSchema = z.union([
  z.object({ manifest: parameterManifestSchema, sha256: sha256Schema, sizeBytes: z.int() }),
  z.object({ problem: problemSchema }),
]);

export interface InitialModel {
  readonly manifest: ParameterManifest;
  readonly weights: BlobRef;
}

@Injectable()
export class InitialModelService {
  private readonly settings: BlobSettings;

  constructor(
    private readonly blobs: BlobStore,
    @Inject(CONFIG) { s3 }: CoordinatorConfig,
  ) {
    this.settings = { s3 };
  }

  /**
   * The weights that a run starts from, as a blob; the same recipe and number of sites give the same.
   *
   * @throws TributaryError START_WEIGHTS_MISSING, START_MODEL_UNFIT; an Error when the process that makes them fails.
   */
  async make(runId: string, recipe: Recipe, siteCount: number): Promise<InitialModel> {
    const path = this.blobs.stagingPath(`${runId}-initial`);
    const startFrom = await this.startFrom(recipe);
    const text = await runProgram(JSON.stringify({ recipe, siteCount, path, startFrom }));
    const answer = parseOrThrow(answerSchema, JSON.parse(text), 'INTERNAL');
    if ('problem' in answer) throw fromProblem(answer.problem);
    const { manifest, sha256, sizeBytes } = answer;
    await this.blobs.adopt(path, sha256);
    return { manifest, weights: { sha256, sizeBytes } };
  }

  private async startFrom({ startFrom }: Recipe): Promise<{ address: string; settings: BlobSettings } | undefined> {
    if (startFrom === undefined) return undefined;
    const { weightsSha256 } = startFrom;
    if ((await this.blobs.sizeOf(weightsSha256)) === null) throw new TributaryError('START_WEIGHTS_MISSING');
    return { address: this.blobs.addressOf(weightsSha256), settings: this.settings };
  }
}

async function runProgram(order: string): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  child.stdin.end(order);
  const [answer, complaints, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (exitCode !== 0) throw new Error(`making the initial model failed: ${complaints.slice(-500)}`);
  return answer;
}
