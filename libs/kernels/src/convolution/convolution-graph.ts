import { at, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { blockedConvolution, blocksBehind, fromBlocks, toBlocks } from '../blocked-layout.js';
import { blockedInputGradient } from './blocked-input-gradient.js';
import { blockedOutputs, blockedWeight } from './blocked-weight.js';
import { hasTransposedConvolution, padChannels, spreadPixels } from './convolution-gpu.js';
import { effectiveKernel, type ConvolutionGeometry } from '../window-geometry.js';

/** Convolution of `x` [N, C, …] with `weight` [O, C / groups, …]. */
export function convolve(
  g: GraphBuilder,
  { x, weight }: { x: Value; weight: Value },
  geometry: ConvolutionGeometry,
): Value {
  const shape = [geometry.batch, geometry.outChannels, ...geometry.outSize];
  const attributes = {
    kernel_shape: geometry.kernelSize,
    pads: [...geometry.padBefore, ...geometry.padAfter],
    strides: geometry.strides,
    group: geometry.groups,
  };
  const operands = blockedOperands(g, { x, weight }, geometry);
  if (operands) return fromBlocks(g, blockedConvolution(g, operands, { shape, attributes }));
  if (g.target.device === 'gpu' && geometry.groups > 1 && geometry.kernelSize.length > 2) {
    throw new RangeError('convolution: groups in three dimensions cannot be recorded for a GPU');
  }
  const padded = padChannels(g, { x, weight }, geometry);
  return g.apply('Conv', [padded.x, padded.weight], {
    shape,
    attributes: { ...attributes, dilations: geometry.dilations },
  });
}

interface Operands {
  readonly x: Value;
  readonly weight: Value;
}

/** As ONNX Runtime's blocked convolution reads them; undefined where that layout is not in use, not covered, or no gain. */
function blockedOperands(
  g: GraphBuilder,
  { x, weight }: Operands,
  geometry: ConvolutionGeometry,
): Operands | undefined {
  const block = g.target.nchwcBlock;
  const { inChannels, outChannels, kernelSize, dilations, groups } = geometry;
  const isPlane = kernelSize.length === 2 && groups === 1 && dilations.every((d) => d === 1);
  if (block === undefined || !isPlane || outChannels % block !== 0) return undefined;
  const isOfPixels = product(kernelSize) === 1;
  if (isOfPixels && !blocksBehind(g, x)) return undefined;
  if (inChannels < block) return { x, weight: g.reshape(blockedOutputs(g, weight, block), weight.shape) };
  if (inChannels % block !== 0) return undefined;
  return { x: toBlocks(g, x), weight: blockedWeight(g, weight, block) };
}

/**
 * Gradient of a convolution with respect to its input: a convolution of `dy` with the kernel mirrored in space and its
 * channels swapped (quicker than ConvTranspose). With strides, the transposed convolution, or else the same convolution
 * of `dy` with zeros between its pixels.
 */
export function inputGradient(
  g: GraphBuilder,
  { dy, weight }: { dy: Value; weight: Value },
  geometry: ConvolutionGeometry,
): Value {
  const blocked = blockedInputGradient(g, { dy, weight }, geometry);
  if (blocked) return blocked;
  const { inSize, outSize, strides } = geometry;
  const extent = effectiveKernel(geometry);
  const spreadSize = outSize.map((size, i) => (size - 1) * at(strides, i) + 1);
  const padBefore = extent.map((size, i) => size - 1 - at(geometry.padBefore, i));
  const padAfter = extent.map((size, i) => at(inSize, i) - at(padBefore, i) - at(spreadSize, i) + size - 1);
  const isStrided = strides.some((stride) => stride > 1);
  if ([...padBefore, ...padAfter].some((pad) => pad < 0) || (isStrided && hasTransposedConvolution(g, geometry)))
    return transposedConvolution(g, { dy, weight }, geometry);
  return convolve(
    g,
    {
      x: isStrided ? spreadPixels(g, dy, strides) : dy,
      weight: swapChannels(g, mirror(g, weight), geometry.groups),
    },
    {
      ...geometry,
      inChannels: geometry.outChannels,
      outChannels: geometry.inChannels,
      strides: strides.map(() => 1),
      inSize: spreadSize,
      outSize: inSize,
      padBefore,
      padAfter,
    },
  );
}

/** Reverses the spatial dimensions of a kernel. */
function mirror(g: GraphBuilder, weight: Value): Value {
  const axes = range(weight.shape.length).filter((axis) => axis >= 2 && at(weight.shape, axis) > 1);
  if (axes.length === 0) return weight;
  const all = (value: number) => g.int64(axes.map(() => value));
  return g.apply('Slice', [weight, all(-1), all(-(2 ** 31)), g.int64(axes), all(-1)], { shape: weight.shape });
}

/** [O, C / groups, …] to [C, O / groups, …], group by group. */
function swapChannels(g: GraphBuilder, weight: Value, groups: number): Value {
  const [outChannels = 0, perGroup = 0, ...kernel] = weight.shape;
  const spatial = range(kernel.length);
  if (groups === 1) return g.transpose(weight, [1, 0, ...spatial.map((i) => i + 2)]);
  const split = g.reshape(weight, [groups, outChannels / groups, perGroup, ...kernel]);
  const swapped = g.transpose(split, [0, 2, 1, ...spatial.map((i) => i + 3)]);
  return g.reshape(swapped, [groups * perGroup, outChannels / groups, ...kernel]);
}

function transposedConvolution(
  g: GraphBuilder,
  { dy, weight }: { dy: Value; weight: Value },
  geometry: ConvolutionGeometry,
): Value {
  const extent = effectiveKernel(geometry);
  const { inSize, outSize, strides, padBefore, padAfter } = geometry;
  const unread = inSize.map((size, i) => {
    const covered = (at(outSize, i) - 1) * at(strides, i) + at(extent, i) - at(padBefore, i) - at(padAfter, i);
    return size - covered;
  });
  return g.apply('ConvTranspose', [dy, weight], {
    shape: [geometry.batch, geometry.inChannels, ...inSize],
    attributes: {
      kernel_shape: geometry.kernelSize,
      strides,
      dilations: geometry.dilations,
      pads: [...padBefore, ...padAfter],
      output_padding: unread.map((size) => Math.max(0, size)),
      group: geometry.groups,
    },
  });
}
