import { join } from 'node:path';
import { unetConfigFile } from '@tributary/diffusion/exchange/diffusers-config';
import { unetConfig } from '@tributary/diffusion/network/unet-config';
import { tensorflowInstallation } from '@tributary/engines/tensorflow/installation';
import { ENGINE_CONTENDER_MAIN } from '../processes/app-paths.js';
import { benchRecipe, type BenchCase } from './bench-case.js';
import type { ContenderProgram } from './contender.js';

const PEER = join(import.meta.dirname, '../../bench/diffusers_unet.py');

/** A training step, an evaluation of the network, or 16 images by 18 steps of Heun's method. */
export type BenchTask = 'train' | 'sample' | 'heun';

export interface EngineRun {
  readonly bench: BenchCase;
  readonly task: BenchTask;
  readonly threads: number;
}

const ONNX = [
  { name: 'onnx, plain', engine: 'onnx', layout: 'plain' },
  { name: 'onnx, blocked', engine: 'onnx', layout: 'blocked' },
];

/** Both convolution layouts of the onnx engine, and the tensorflow engine where it is installed. */
export function ourContenders(run: EngineRun): ContenderProgram[] {
  const others = tensorflowInstallation().isInstalled ? [{ name: 'tensorflow', engine: 'tensorflow' }] : [];
  return [...ONNX, ...others].map((options) => contenderProgram(run, options));
}

/** About the length of an example's gradient; what is clipped changes no time. */
const EXAMPLE_CLIP_NORM = 1;

/** Training on the onnx engine, in the order of `ourContenders`, with the gradient of every example clipped. */
export function clippingContenders(run: EngineRun): ContenderProgram[] {
  return ONNX.map(({ name, ...engine }) =>
    contenderProgram(run, { name: `${name}, examples clipped`, ...engine, exampleClipNorm: EXAMPLE_CLIP_NORM }),
  );
}

function contenderProgram(
  { bench, task, threads }: EngineRun,
  { name, ...options }: { readonly name: string; readonly [option: string]: string | number },
): ContenderProgram {
  const args = [ENGINE_CONTENDER_MAIN, JSON.stringify({ case: bench.name, task, threads, ...options })];
  return { name, command: process.execPath, args };
}

/** The same network in PyTorch's two memory formats; the first is its default. */
export function peerContenders({ bench, task, threads }: EngineRun, python: string): ContenderProgram[] {
  const config = unetConfigFile(unetConfig(benchRecipe(bench), 0));
  return ['default', 'channels_last'].map((format) => ({
    name: `PyTorch, ${format}`,
    command: python,
    args: [PEER, JSON.stringify({ config, batchSize: bench.batchSize, task, threads, format })],
  }));
}
