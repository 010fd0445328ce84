import { TributaryError } from '@tributary/protocol/errors';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import {
  decodeSafetensorsHeader,
  encodeSafetensorsHeader,
  type SafetensorsHeader,
} from '@tributary/protocol/safetensors';
import { createHash } from 'node:crypto';

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** A model's parameters as one vector in the order of their names. */
export interface FlatWeights {
  readonly values: Float32Array;
  /** SHA-256 (hex) of the safetensors file as Tributary writes it, whatever file the values came from. */
  readonly sha256: string;
  /** Name and shape of each tensor, sorted by name. */
  readonly manifest: ParameterManifest;
}

/**
 * Reads the bytes of a safetensors file of float32 tensors, in whatever order another tool has laid them.
 *
 * @throws TributaryError SAFETENSORS_INVALID, or MODEL_INVALID for tensors of another type or with a number that is not finite.
 */
export function readFlatWeights(bytes: Uint8Array): FlatWeights {
  const header = decodeSafetensorsHeader(bytes, { order: 'any' });
  const entries = header.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (entries.some(({ dtype }) => dtype !== 'F32')) {
    throw new TributaryError('MODEL_INVALID', { detail: 'weights must be float32' });
  }
  if (bytes.length !== header.headerBytes + header.dataBytes) {
    throw new TributaryError('MODEL_INVALID', { detail: 'the weights file has another size than its header says' });
  }
  const hash = createHash('sha256').update(encodeSafetensorsHeader(entries));
  const values = new Float32Array(header.dataBytes / FLOAT_BYTES);
  let position = 0;
  for (const entry of entries) {
    const part = dataOf(bytes, header, entry);
    hash.update(part);
    new Uint8Array(values.buffer).set(part, position);
    const end = position + part.length;
    if (!values.subarray(position / FLOAT_BYTES, end / FLOAT_BYTES).every(Number.isFinite))
      throw new TributaryError('MODEL_INVALID', { detail: `${entry.name} holds a number that is not finite` });
    position = end;
  }
  const manifest = entries.map(({ name, shape }) => ({ name, shape: [...shape] }));
  return { values, sha256: hash.digest('hex'), manifest };
}

function dataOf(
  bytes: Uint8Array,
  { headerBytes }: SafetensorsHeader,
  { begin, end }: { begin: number; end: number },
): Uint8Array {
  return bytes.subarray(headerBytes + begin, headerBytes + end);
}
