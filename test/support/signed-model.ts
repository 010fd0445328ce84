import { exportDiffusers } from '@tributary/diffusion';
import { initialModel } from '@tributary/diffusion/initial-model';
import {
  SOFTWARE_VERSION,
  canonicalJson,
  embeddingRows,
  recordDocument,
  recordRecipe,
  type Lineage,
  type Recipe,
  type Release,
} from '@tributary/protocol';
import { writeParameterFile } from '@tributary/safetensors';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';

export const RUN_ID = 'run-4f3a9c1d';

/** A release as a coordinator has it: untrained weights, signed by a new key. */
export interface SignedModel {
  readonly recipe: Recipe;
  readonly release: Release;
  readonly emaSha256: string;
  readonly siteCount: number;
  /** The weights' safetensors file. */
  readonly bytes: Buffer;
}

export async function signedModel(recipe: Recipe, directory: string): Promise<SignedModel> {
  const sites = [{ siteId: 'site-a', images: 40 }];
  const { manifest, weights } = initialModel(recipe, sites.length);
  const file = join(directory, `${recipe.name}.safetensors`);
  await writeParameterFile(file, { manifest: [...manifest], flat: weights });
  const bytes = await readFile(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const lineage: Lineage = {
    version: `${RUN_ID}/3`,
    runId: RUN_ID,
    studyId: 'phantom-brain',
    ...recordRecipe(recipe),
    sites,
    classes: recipe.classes,
    rounds: [],
    weightsSha256: sha256,
    emaSha256: sha256,
    evaluation: null,
    createdAt: '2026-11-22T18:00:00Z',
    writtenBy: SOFTWARE_VERSION,
  };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const signature = sign(null, Buffer.from(canonicalJson(lineage)), privateKey).toString('base64');
  const release = { lineage: recordDocument(lineage), signature, publicKey: raw };
  return { recipe, release, emaSha256: sha256, siteCount: sites.length, bytes };
}

/** The model as `tributary model pull` leaves it. */
export async function writePulledModel(model: SignedModel, directory: string): Promise<void> {
  const { recipe, release, siteCount } = model;
  const { lineage, signature, publicKey } = release;
  const { weights } = initialModel(recipe, siteCount);
  await exportDiffusers({ recipe, weights, classRows: embeddingRows(recipe, siteCount), directory });
  await writeFile(join(directory, 'lineage.json'), JSON.stringify(lineage));
  await writeFile(join(directory, 'signature.json'), JSON.stringify({ signature, publicKey }));
}

/** Sends the bytes that were asked for: all of them, or as a bad link does. */
export type SendBytes = (response: ServerResponse, bytes: Buffer) => void;

/**
 * A server that answers for one release as a coordinator does.
 *
 * @returns Its address, where each download began, and how to close it.
 */
export async function serveRelease(
  { release, emaSha256, bytes }: SignedModel,
  send: SendBytes = (response, asked) => response.end(asked),
): Promise<{ url: string; begins: readonly number[]; close: () => void }> {
  const begins: number[] = [];
  const server = createServer((request, response) => {
    if (request.url === `/v1/releases/${RUN_ID}`) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(release));
    } else if (request.url === `/v1/blobs/${emaSha256}`) {
      const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      begins.push(begin);
      response.writeHead(begin > 0 ? 206 : 200, { 'content-length': bytes.length - begin });
      send(response, bytes.subarray(begin));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${address.port}`, begins, close };
}
