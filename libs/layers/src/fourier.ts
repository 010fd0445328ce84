import * as tf from '@tensorflow/tfjs-core';
import { range } from '@tributary/onnx-graph';

/** A complex image [batch, height, width, channels] as two real ones. */
export interface ComplexImage {
  readonly real: tf.Tensor4D;
  readonly imaginary: tf.Tensor4D;
}

export interface FourierOptions {
  /** `ortho` scales both directions by 1 / sqrt(height · width); `backward` (default) only the inverse, by the square of that. */
  readonly norm?: 'backward' | 'ortho';
}

/** X[k, l] = Σ x[m, n] exp(-2πi (km / height + ln / width)), the two-dimensional discrete Fourier transform of every channel. */
export function fft2d(image: ComplexImage, options: FourierOptions = {}): ComplexImage {
  return transform(image, { sign: -1, scale: options.norm === 'ortho' ? (size) => 1 / Math.sqrt(size) : () => 1 });
}

/** The inverse of `fft2d` with the same options. */
export function ifft2d(image: ComplexImage, options: FourierOptions = {}): ComplexImage {
  return transform(image, { sign: 1, scale: (size) => (options.norm === 'ortho' ? 1 / Math.sqrt(size) : 1 / size) });
}

/** Moves frequency zero from the first element to the middle one, floor(size / 2), of height and width. */
export function fftShift(image: tf.Tensor4D): tf.Tensor4D {
  return [1, 2].reduce((shifted, axis) => {
    const size = shifted.shape[axis] ?? 0;
    const first = Math.ceil(size / 2);
    const [low, high] = tf.split<tf.Tensor4D>(shifted, [first, size - first], axis);
    return low && high ? tf.concat<tf.Tensor4D>([high, low], axis) : shifted;
  }, image);
}

interface Direction {
  readonly sign: 1 | -1;
  readonly scale: (size: number) => number;
}

/** Products with the matrices of both transforms: at the sizes of images, quicker than a fast transform on one thread would be. */
function transform({ real, imaginary }: ComplexImage, direction: Direction): ComplexImage {
  const [, height, width] = real.shape;
  const channelsFirst = (image: tf.Tensor4D) => tf.transpose(image, [0, 3, 1, 2]);
  const channelsLast = (image: tf.Tensor4D) => tf.transpose(image, [0, 2, 3, 1]);
  const rows = fourierMatrix(height, direction);
  const columns = fourierMatrix(width, direction);
  const images = { real: channelsFirst(real), imaginary: channelsFirst(imaginary) };
  const result = complexProduct(rows, complexProduct(images, columns));
  return { real: channelsLast(result.real), imaginary: channelsLast(result.imaginary) };
}

/** F[j, k] = scale · exp(sign · 2πi jk / size), [1, 1, size, size]. The angle is reduced first, so that it is exact. */
function fourierMatrix(size: number, { sign, scale }: Direction): ComplexImage {
  const matrix = (wave: (angle: number) => number) => {
    const element = (j: number, k: number) => scale(size) * wave((2 * Math.PI * ((j * k) % size)) / size);
    const elements = range(size).flatMap((j) => range(size).map((k) => element(j, k)));
    return tf.tensor4d(elements, [1, 1, size, size]);
  };
  return { real: matrix(Math.cos), imaginary: matrix((angle) => sign * Math.sin(angle)) };
}

function complexProduct(a: ComplexImage, b: ComplexImage): ComplexImage {
  return {
    real: tf.sub(tf.matMul(a.real, b.real), tf.matMul(a.imaginary, b.imaginary)),
    imaginary: tf.add(tf.matMul(a.real, b.imaginary), tf.matMul(a.imaginary, b.real)),
  };
}
