import { createHash } from 'node:crypto';
import { releaseChunk } from '@tributary/federation';
import { ASSIGNMENT_HEADER, TributaryError, type AssignmentOffer } from '@tributary/protocol';
import { LENGTH_PREFIX_BYTES, safetensorsHeaderByteLength } from '@tributary/protocol/safetensors';
import type { AccessTokens } from '../agent/coordinator-client/access-tokens.js';
import { authorisation, unreachable, type CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import { Silence } from '../agent/coordinator-client/silence.js';

/**
 * Downloads the global weights of an offer, checks size and hash, and keeps only the header.
 *
 * @returns The header with its length prefix.
 * @throws TributaryError BLOB_CORRUPT, COORDINATOR_UNREACHABLE when the connection breaks or nothing comes, and as the coordinator answers.
 */
export async function checkGlobalWeights(
  { assignmentId, weights: { sha256, sizeBytes } }: Extract<AssignmentOffer, { kind: 'train' }>,
  { http, tokens, signal }: { http: CoordinatorHttp; tokens: AccessTokens; signal: AbortSignal },
): Promise<Uint8Array> {
  const silence = new Silence();
  const chunks: AsyncIterable<Buffer> = await tokens.use((token) =>
    http.open(
      `/v1/blobs/${sha256}`,
      { headers: { ...authorisation(token), [ASSIGNMENT_HEADER]: assignmentId }, signal },
      silence,
    ),
  );
  const hash = createHash('sha256');
  let start = new Uint8Array(0);
  let receivedBytes = 0;
  try {
    for await (const chunk of chunks) {
      silence.heard();
      hash.update(chunk);
      receivedBytes += chunk.byteLength;
      if (start.length < headerBytesOf(start)) start = concatenated(start, chunk);
      releaseChunk(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(error);
  } finally {
    silence.over();
  }
  if (receivedBytes !== sizeBytes || hash.digest('hex') !== sha256)
    throw new TributaryError('BLOB_CORRUPT', { sha256 });
  return start.slice(0, headerBytesOf(start));
}

/** As far as the start of the file tells. */
function headerBytesOf(start: Uint8Array): number {
  return start.length < LENGTH_PREFIX_BYTES ? LENGTH_PREFIX_BYTES : safetensorsHeaderByteLength(start);
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
