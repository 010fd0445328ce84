import type { WindowCodec } from './window-codec.js';

const HALF_BYTES = 2;
const LARGEST_HALF = 65504;
/** Float32 bits of 2^-14, the smallest normal half. */
const SMALLEST_NORMAL_BITS = 0x38800000;
/** Mantissa bits that float32 has and half has not. */
const DROPPED_BITS = 13;
/** Difference of the exponents' biases, at the place of a half's exponent. */
const BIAS_SHIFT = (127 - 15) << 10;

/**
 * IEEE 754 half precision with stochastic rounding to one of the two neighbours, with the probability that makes the mean
 * exact. Larger numbers become ±65504. Gupta et al. 2015, section 3.1. Half the size of float32.
 */
export const fp16Codec: WindowCodec = {
  name: 'fp16',
  blockLength: 1024,
  encodedBytes: (length) => length * HALF_BYTES,
  encode: (block, out, uniform) => {
    const view = new DataView(out.buffer, out.byteOffset);
    const float = new Float32Array(1);
    const bits = new Uint32Array(float.buffer);
    for (const [i, x] of block.entries()) {
      float[0] = Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, x));
      view.setUint16(i * HALF_BYTES, halfBits(bits[0] ?? 0, Math.abs(float[0]), uniform()), true);
    }
  },
  decode: (bytes, block) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < block.length; i++) block[i] = halfValue(view.getUint16(i * HALF_BYTES, true));
  },
};

function halfBits(floatBits: number, magnitude: number, u: number): number {
  const sign = (floatBits >>> 16) & 0x8000;
  const magnitudeBits = floatBits & 0x7fffffff;
  if (magnitudeBits < SMALLEST_NORMAL_BITS) return sign | Math.floor(magnitude * 2 ** 24 + u);
  // A carry out of the mantissa raises the exponent, as it should.
  const rounded = (magnitudeBits + Math.floor(u * 2 ** DROPPED_BITS)) >>> DROPPED_BITS;
  return sign | (rounded - BIAS_SHIFT);
}

function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
