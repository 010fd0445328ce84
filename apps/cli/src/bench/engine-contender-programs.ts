import { join } from 'node:path';
import { unetConfigFile } from '@tributary/diffusion/exchange/diffusers-config';
import { unetConfig } from '@tributary/diffusion/network/unet-config';
import { tensorflowInstallation } from '@tributary/engines/tensorflow/installation';
import { benchRecipe, type BenchCase } from './bench-case.js';
import type { ContenderProgram } from './contender.js';

const OURS = join(import.meta.dirname, '../../dist/bench/engine-contender-process.js');
const PEER = join(import.meta.dirname, '../../bench/diffusers_unet.py');

/** A training step, an evaluation of the network, or 16 images by 18 steps of Heun's method. */
export type BenchTask = 'train' | 'sample' | 'heun';

export interface EngineRun {
  readonly bench: BenchCase;
  readonly task: BenchTask;
  readonly threads: number;
}

/** Both convolution layouts of the onnx engine, and the tensorflow engine where it is installed. */
export function ourContenders({ bench, task, threads }: EngineRun): ContenderProgram[] {
  const engines = [
    { name: 'onnx, plain', engine: 'onnx', layout: 'plain' },
    { name: 'onnx, blocked', engine: 'onnx', layout: 'blocked' },
    ...(tensorflowInstallation().isInstalled ? [{ name: 'tensorflow', engine: 'tensorflow' }] : []),
  ];
  return engines.map(({ name, ...engine }) => ({
    name,
    command: process.execPath,
    args: [OURS, JSON.stringify({ case: bench.name, task, threads, ...engine })],
  }));
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
