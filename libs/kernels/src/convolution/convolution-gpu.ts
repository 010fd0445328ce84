import { at, type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import type { ConvolutionGeometry } from '../window-geometry.js';

const VECTOR = 4;

/**
 * Zero channels to a whole number of vectors. ONNX Runtime's WebGPU convolution gives wrong numbers where input channels
 * are more than three and a multiple of three but not of four, and output channels are a multiple of four
 * (microsoft/onnxruntime issue 29651; seen in 1.30).
 */
export function padChannels(
  g: GraphBuilder,
  { x, weight }: { x: Value; weight: Value },
  geometry: ConvolutionGeometry,
): { x: Value; weight: Value } {
  const { inChannels, outChannels, groups, kernelSize } = geometry;
  const isWrong = inChannels > 3 && inChannels % 3 === 0 && inChannels % VECTOR !== 0 && outChannels % VECTOR === 0;
  if (g.target.device !== 'gpu' || groups > 1 || kernelSize.length !== 2 || !isWrong) return { x, weight };
  const extra = VECTOR - (inChannels % VECTOR);
  const pads = g.int64([0, 0, 0, 0, 0, extra, 0, 0]);
  const widen = (value: Value) => {
    const shape = value.shape.map((size, axis) => (axis === 1 ? size + extra : size));
    return g.apply('Pad', [value, pads], { shape });
  };
  return { x: widen(x), weight: widen(weight) };
}

/** Whether the device's own transposed convolution is right for this geometry: WebGPU's is for two dimensions, one group. */
export function hasTransposedConvolution(g: GraphBuilder, { groups, kernelSize }: ConvolutionGeometry): boolean {
  return g.target.device === 'cpu' || (groups === 1 && kernelSize.length === 2);
}

/** Puts `stride - 1` zeros between neighbouring pixels: [N, C, size, …] to [N, C, (size - 1) · stride + 1, …]. */
export function spreadPixels(g: GraphBuilder, value: Value, strides: readonly number[]): Value {
  const [batch = 0, channels = 0, ...size] = value.shape;
  const apart = g.reshape(value, [batch * channels, ...size.flatMap((length) => [length, 1])]);
  const after = [0, ...strides.flatMap((stride) => [0, stride - 1])];
  const padded = g.apply('Pad', [apart, g.int64([...after.map(() => 0), ...after])], {
    shape: [batch * channels, ...size.flatMap((length, i) => [length, at(strides, i)])],
  });
  const whole = size.map((length, i) => length * at(strides, i));
  const spread = size.map((length, i) => (length - 1) * at(strides, i) + 1);
  const inputs = [
    g.reshape(padded, [batch, channels, ...whole]),
    g.int64(size.map(() => 0)),
    g.int64(spread),
    g.int64(size.map((_, i) => i + 2)),
  ];
  if (product(whole) === product(spread)) return at(inputs, 0);
  return g.apply('Slice', inputs, { shape: [batch, channels, ...spread] });
}
