import { decodeVector, encodeVector, type WindowCodec } from './window-codec.js';

export interface CompressedUpdate {
  readonly bytes: Uint8Array;
  /** What the code lost; the site keeps it and adds it to its next update. */
  readonly residual: Float32Array;
}

/**
 * Compresses an update together with what earlier codes lost, so that nothing is lost for good:
 * p = update + residual; send C(p); residual ← p - C(p).
 * Karimireddy et al. 2019, "Error feedback fixes SignSGD and other gradient compression schemes", algorithm 1.
 *
 * @param residual Of the site's last update in this run; zeros before the first.
 * @param uniform  Draws from [0, 1).
 */
export function compressWithFeedback(
  codec: WindowCodec,
  { update, residual }: { readonly update: Float32Array; readonly residual: Float32Array },
  uniform: () => number,
): CompressedUpdate {
  const corrected = update.map((value, i) => value + (residual[i] ?? 0));
  const bytes = encodeVector(codec, corrected, uniform);
  const sent = decodeVector(codec, bytes, update.length);
  return { bytes, residual: corrected.map((value, i) => value - (sent[i] ?? 0)) };
}
