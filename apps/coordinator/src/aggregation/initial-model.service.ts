import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { parseOrThrow, sha256Schema, type BlobRef, type Recipe } from '@tributary/protocol';
import { parameterManifestSchema, type ParameterManifest } from '@tributary/protocol/manifest';
import { z } from 'zod';
import { BlobStore } from '../platform/blobs/blob-store.js';

const PROGRAM = fileURLToPath(new URL('./initial-model-process.js', import.meta.url));
const answerSchema = z.object({ manifest: parameterManifestSchema, sha256: sha256Schema, sizeBytes: z.int() });

export interface InitialModel {
  readonly manifest: ParameterManifest;
  readonly weights: BlobRef;
}

@Injectable()
export class InitialModelService {
  constructor(private readonly blobs: BlobStore) {}

  /**
   * The weights that a run starts from, as a blob; the same recipe and number of sites give the same.
   *
   * @throws Error when the process that makes them fails.
   */
  async make(runId: string, recipe: Recipe, siteCount: number): Promise<InitialModel> {
    const path = this.blobs.stagingPath(`${runId}-initial`);
    const answer = await runProgram(JSON.stringify({ recipe, siteCount, path }));
    const { manifest, sha256, sizeBytes } = parseOrThrow(answerSchema, JSON.parse(answer), 'INTERNAL');
    await this.blobs.adopt(path, sha256);
    return { manifest, weights: { sha256, sizeBytes } };
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
