import type { Initial, Parameter } from './parameter.js';
import type {
  AttentionShape,
  ConvolutionShape,
  LevelShape,
  LinearShape,
  NormShape,
  ResidualShape,
  UNetStructure,
} from './unet-structure.js';

/** Standard deviation of the random frequencies, Song et al. 2021 (appendix C.2) and diffusers' `UNet2DModel`. */
const FOURIER_SCALE = 16;

export const FREQUENCIES = 'time_proj.weight';
export const CLASS_ROWS = 'class_embedding.weight';

/** Every parameter, sorted by name: the order of the flat weights everywhere. */
export function unetParameters(structure: UNetStructure): Parameter[] {
  const { down, middle, up } = structure;
  const parameters = [
    ...embeddingParameters(structure),
    ...convolution(structure.convIn),
    ...down.flatMap(level),
    ...residual(middle.before),
    ...attention(middle.attention),
    ...residual(middle.after),
    ...up.flatMap(level),
    ...norm(structure.normOut),
    ...convolution(structure.convOut),
  ];
  return parameters.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function embeddingParameters({ config, embedding }: UNetStructure): Parameter[] {
  const frequencies: Parameter = {
    name: FREQUENCIES,
    shape: [embedding.sinusoids],
    initial: { kind: 'normal', stddev: FOURIER_SCALE },
  };
  const rows: Parameter = {
    name: CLASS_ROWS,
    shape: [config.classRows, embedding.width],
    initial: { kind: 'normal', stddev: 1 },
  };
  return [
    ...(config.timeEmbedding === 'fourier' ? [frequencies] : []),
    ...(config.classRows > 0 ? [rows] : []),
    ...linear(embedding.hidden),
    ...linear(embedding.output),
  ];
}

function level({ stages, resampler }: LevelShape): Parameter[] {
  const blocks = stages.flatMap((stage) => [
    ...residual(stage.residual),
    ...(stage.attention ? attention(stage.attention) : []),
  ]);
  if (!resampler) return blocks;
  return [...blocks, ...('conv1' in resampler ? residual(resampler) : convolution(resampler))];
}

function residual({ norm1, conv1, projection, norm2, conv2, shortcut }: ResidualShape): Parameter[] {
  return [
    ...norm(norm1),
    ...convolution(conv1),
    ...linear(projection),
    ...norm(norm2),
    ...convolution(conv2),
    ...(shortcut ? convolution(shortcut) : []),
  ];
}

function attention(shape: AttentionShape): Parameter[] {
  return [
    ...(shape.norm ? norm(shape.norm) : []),
    ...[shape.query, shape.key, shape.value, shape.output].flatMap(linear),
  ];
}

function convolution({ name, inChannels, outChannels, kernel, dimensions }: ConvolutionShape): Parameter[] {
  const initial = pytorchUniform(inChannels * kernel ** dimensions);
  const sides = Array.from({ length: dimensions }, () => kernel);
  return [
    { name: `${name}.bias`, shape: [outChannels], initial },
    { name: `${name}.weight`, shape: [outChannels, inChannels, ...sides], initial },
  ];
}

function linear({ name, inFeatures, outFeatures }: LinearShape): Parameter[] {
  const initial = pytorchUniform(inFeatures);
  return [
    { name: `${name}.bias`, shape: [outFeatures], initial },
    { name: `${name}.weight`, shape: [outFeatures, inFeatures], initial },
  ];
}

function norm({ name, channels }: NormShape): Parameter[] {
  return [
    { name: `${name}.bias`, shape: [channels], initial: { kind: 'constant', value: 0 } },
    { name: `${name}.weight`, shape: [channels], initial: { kind: 'constant', value: 1 } },
  ];
}

/** PyTorch's default for weights and biases: Kaiming uniform with a = sqrt(5), that is ±1 / sqrt(fan in). */
function pytorchUniform(fanIn: number): Initial {
  return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
}
