import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import { randomStream } from '@tributary/random';
import { fft2d, fftShift, ifft2d } from './fourier.js';

const SHAPE: [number, number, number, number] = [2, 6, 5, 3];

function noise(name: string): tf.Tensor4D {
  const values = new Float32Array(tf.util.sizeFromShape(SHAPE));
  randomStream(5, name).fillNormal(values);
  return tf.tensor4d(values, SHAPE);
}

/** tfjs's own transform works along the last axis of complex tensors. */
function byTfjs({ real, imaginary }: { real: tf.Tensor4D; imaginary: tf.Tensor4D }): tf.Tensor {
  const planes = tf.complex(tf.transpose(real, [0, 3, 1, 2]), tf.transpose(imaginary, [0, 3, 1, 2]));
  const turn = (x: tf.Tensor) => {
    const turned = (part: tf.Tensor) => tf.transpose(part, [0, 1, 3, 2]);
    return tf.complex(turned(tf.real(x)), turned(tf.imag(x)));
  };
  const both = turn(tf.spectral.fft(turn(tf.spectral.fft(planes))));
  return tf.stack([tf.transpose(tf.real(both), [0, 2, 3, 1]), tf.transpose(tf.imag(both), [0, 2, 3, 1])]);
}

const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] ?? Number.NaN;

describe('the Fourier transform of images', () => {
  beforeAll(useMendedCpu);

  it("is tfjs's fast transform along both axes", () => {
    const image = { real: noise('real'), imaginary: noise('imaginary') };
    const { real, imaginary } = fft2d(image);
    expect(difference(tf.stack([real, imaginary]), byTfjs(image))).toBeLessThan(1e-4);
  });

  it.each(['backward', 'ortho'] as const)('is undone by its inverse (%s)', (norm) => {
    const image = { real: noise('a'), imaginary: noise('b') };
    const back = ifft2d(fft2d(image, { norm }), { norm });
    expect(difference(back.real, image.real)).toBeLessThan(1e-5);
    expect(difference(back.imaginary, image.imaginary)).toBeLessThan(1e-5);
  });

  it("keeps the image's energy when it is orthonormal (Parseval)", () => {
    const image = { real: noise('a'), imaginary: noise('b') };
    const energy = ({ real, imaginary }: typeof image) =>
      tf.sum(tf.add(tf.square(real), tf.square(imaginary))).dataSync()[0] ?? 0;
    expect(energy(fft2d(image, { norm: 'ortho' })) / energy(image)).toBeCloseTo(1, 5);
  });

  it('has its mean in the middle after the shift', () => {
    const real: tf.Tensor4D = tf.ones(SHAPE);
    const { real: spectrum } = fft2d({ real, imaginary: tf.zerosLike(real) });
    const expected = tf.buffer(SHAPE);
    for (let batch = 0; batch < 2; batch++) for (let c = 0; c < 3; c++) expected.set(30, batch, 3, 2, c);
    expect(difference(fftShift(spectrum), expected.toTensor())).toBeLessThan(1e-4);
  });
});
