import { ImageProblem } from '../folder/image-problem.js';

const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

/**
 * One frame of DICOM's run-length encoding (PS3.5, annex G): a segment for each byte of each sample, most significant
 * byte first.
 *
 * @param shape.pixels Pixels of the frame; @param shape.bytesPerSample Bytes of one sample; @param shape.samples Samples of a pixel.
 * @returns Little-endian samples, plane after plane.
 * @throws ImageProblem `corrupt` or `truncated`.
 */
export function decodeRunLength(
  encoded: Uint8Array,
  {
    pixels,
    bytesPerSample,
    samples,
  }: { readonly pixels: number; readonly bytesPerSample: number; readonly samples: number },
): Uint8Array {
  if (encoded.length < HEADER_BYTES) throw new ImageProblem('truncated');
  const header = new DataView(encoded.buffer, encoded.byteOffset, HEADER_BYTES);
  const segments = header.getUint32(0, true);
  if (segments !== bytesPerSample * samples || segments > MAX_SEGMENTS) throw new ImageProblem('corrupt');
  const decoded = new Uint8Array(pixels * bytesPerSample * samples);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 * (segment + 1), true);
    const next = segment + 1 < segments ? header.getUint32(4 * (segment + 2), true) : encoded.length;
    if (start < HEADER_BYTES || next < start || next > encoded.length) throw new ImageProblem('corrupt');
    const plane = unpackBits(encoded.subarray(start, next), pixels);
    const sample = Math.floor(segment / bytesPerSample);
    const significance = bytesPerSample - 1 - (segment % bytesPerSample);
    for (let pixel = 0; pixel < pixels; pixel++) {
      decoded[(sample * pixels + pixel) * bytesPerSample + significance] = plane[pixel] ?? 0;
    }
  }
  return decoded;
}

/** PackBits (PS3.5, G.3.2): 0…127 copies the next n + 1 bytes, −1…−127 repeats the next byte 1 − n times, −128 does nothing. */
function unpackBits(packed: Uint8Array, length: number): Uint8Array {
  const unpacked = new Uint8Array(length);
  let written = 0;
  for (let at = 0; at + 1 < packed.length && written < length;) {
    const control = packed[at] ?? 0;
    if (control < 128) {
      const literal = packed.subarray(at + 1, Math.min(at + 2 + control, at + 1 + length - written));
      unpacked.set(literal, written);
      written += literal.length;
      at += 2 + control;
    } else if (control > 128) {
      unpacked.fill(packed[at + 1] ?? 0, written, written + 257 - control);
      written += 257 - control;
      at += 2;
    } else at += 1;
  }
  if (written < length) throw new ImageProblem('truncated');
  return unpacked;
}
