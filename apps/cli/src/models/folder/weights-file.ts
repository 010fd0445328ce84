import { openFileBytes, type ByteSource } from '@tributary/federation/vectors/byte-source';
import { TributaryError } from '@tributary/protocol/errors';
import { parameterCount, type ParameterManifest } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { openParameters, type ParameterSource } from '@tributary/safetensors';
import { createHash } from 'node:crypto';

/** What a model's parameters are, without their numbers. */
export interface WeightsSummary {
  /** SHA-256 (hex) of the safetensors file as Tributary writes it, whatever file the values came from. */
  readonly sha256: string;
  /** Name and shape of each tensor, sorted by name. */
  readonly manifest: ParameterManifest;
}

/** A model's parameters as one vector in the order of their names. */
export interface FlatWeights extends WeightsSummary {
  readonly values: Float32Array;
}

/** What is read at once. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** An open safetensors file of float32 tensors, read a piece at a time. */
export interface WeightsFile {
  readonly manifest: ParameterManifest;
  /** Their numbers, in the order of the manifest. @throws TributaryError MODEL_INVALID for one that is not finite. */
  pieces(): AsyncGenerator<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file of float32 tensors, in whatever order another tool has laid them.
 *
 * @throws TributaryError SAFETENSORS_INVALID, MODEL_INVALID for a file that is cut short; the system's error, such as ENOENT.
 */
export async function openWeightsFile(path: string): Promise<WeightsFile> {
  const bytes = await openFileBytes(path);
  try {
    return weightsFileOf(await openParameters(bytes, 'any'), bytes);
  } catch (error) {
    await bytes.close();
    if (!(error instanceof TributaryError) || error.context['fault'] !== 'truncated') throw error;
    throw new TributaryError('MODEL_INVALID', { detail: 'the weights file ends early' }, { cause: error });
  }
}

/**
 * Reads a file of weights through, with little memory.
 *
 * @throws TributaryError MODEL_INVALID for a number that is not finite; as `openWeightsFile`.
 */
export function summariseWeights(path: string): Promise<WeightsSummary> {
  return readThrough(path, () => undefined);
}

/** Reads a file of weights into memory. @throws As `summariseWeights`. */
export async function readFlatWeights(path: string): Promise<FlatWeights> {
  let values = new Float32Array(0);
  const summary = await readThrough(path, (piece, { position, count }) => {
    if (position === 0) values = new Float32Array(count);
    values.set(piece, position);
  });
  return { ...summary, values };
}

type PieceReader = (
  piece: Float32Array,
  place: { /** Numbers before it. */ readonly position: number; /** In all. */ readonly count: number },
) => void;

async function readThrough(path: string, onPiece: PieceReader): Promise<WeightsSummary> {
  const file = await openWeightsFile(path);
  try {
    const { manifest } = file;
    const count = parameterCount(manifest);
    const header = encodeSafetensorsHeader(manifest.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })));
    const hash = createHash('sha256').update(header);
    let position = 0;
    for await (const piece of file.pieces()) {
      hash.update(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      onPiece(piece, { position, count });
      position += piece.length;
    }
    return { sha256: hash.digest('hex'), manifest };
  } finally {
    await file.close();
  }
}

function weightsFileOf({ header, values }: ParameterSource, bytes: ByteSource): WeightsFile {
  const entries = header.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    manifest: entries.map(({ name, shape }) => ({ name, shape: [...shape] })),
    async *pieces() {
      for (const { name, begin, end } of entries) {
        for (let position = begin; position < end; position += PIECE_BYTES) {
          const piece = await values({ begin: position, end: Math.min(end, position + PIECE_BYTES) });
          if (!piece.every(Number.isFinite))
            throw new TributaryError('MODEL_INVALID', { detail: `${name} holds a number that is not finite` });
          yield piece;
        }
      }
    },
    close: () => bytes.close(),
  };
}
