import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { registerGradients } from '@tributary/tensor';
import { KERNEL_TABLE, registerLayerGradients } from '@tributary/kernels';
import type { Addon, Binding, NodeBackend, NodeBackendClass } from './binding.js';
import { ADDON_FILE, LIBRARY_FOLDER, type TensorflowInstallation } from './installation.js';
import { tensorflowConvolutions } from './kernels/convolution.js';
import { tensorflowLayers } from './kernels/layers.js';
import { mendedKernels } from './kernels/mended.js';
import { withPadding } from './kernels/padded-pools.js';
import type { TensorflowKernel } from './kernels/tensorflow-kernel.js';
import { TENSORFLOW_RECORDER, TensorflowRecorder } from './tensorflow-recorder.js';

/** The name that tfjs-node's kernels expect of their backend. */
export const TENSORFLOW = 'tensorflow';

/** TensorFlow in this process: loaded once. */
export interface Tensorflow {
  readonly addon: Addon;
  readonly binding: Binding;
  readonly recorder: TensorflowRecorder;
  readonly threads: number;
}

type Installed = Extract<TensorflowInstallation, { isInstalled: true }>;

let loaded: Tensorflow | undefined;

/**
 * Loads TensorFlow and registers its backends and kernels with tfjs; the second call gives the same.
 * @throws RangeError when it is loaded already with another number of threads, which are the process's.
 */
export function loadTensorflow({ folder, stamp }: Installed, threads: number): Tensorflow {
  if (loaded && loaded.threads !== threads) {
    throw new RangeError(
      `tensorflow runs with ${loaded.threads} thread(s) in this process; ${threads} need a process of their own`,
    );
  }
  loaded ??= load(folder, stamp.packageName, threads);
  return loaded;
}

function load(folder: string, packageName: string, threads: number): Tensorflow {
  restoreUtilities();
  const require = createRequire(path.join(folder, 'package.json'));
  const addon: unknown = require(path.join(folder, ADDON_FILE));
  if (!isAddon(addon)) throw new TypeError('the addon of the tensorflow engine is not the one that this version needs');
  const module = quietly(() => require(`${packageName}/dist/nodejs_kernel_backend.js`) as unknown);
  if (!hasBackendClass(module)) throw new TypeError(`${packageName} has no kernel backend`);
  const binding = addon.open(threads, path.join(folder, LIBRARY_FOLDER));
  const backendClass = module.NodeJSKernelBackend;
  const recorder = new TensorflowRecorder({ addon, binding, backendClass, packageName });
  registerBackend(TENSORFLOW, new backendClass(binding, packageName));
  registerBackend(TENSORFLOW_RECORDER, recorder.backend);
  const packageFolder = path.join(folder, 'node_modules', packageName);
  for (const { name, run } of [...packageKernels(require, packageFolder), ...OWN_KERNELS]) {
    for (const backendName of [TENSORFLOW, TENSORFLOW_RECORDER])
      tf.registerKernel({ kernelName: name, backendName, kernelFunc: run });
  }
  registerGradients();
  registerLayerGradients();
  return { addon, binding, recorder, threads };
}

const POOL = /^(Avg|Max)Pool/;
const OWN_KERNELS: readonly TensorflowKernel[] = [...tensorflowConvolutions, ...tensorflowLayers, ...mendedKernels];

/**
 * tfjs-node's kernels, of those that can be recorded, except where our own take their place. The layers' convolution is
 * composed of tfjs's, as on every backend without a kernel for it.
 */
function packageKernels(require: NodeJS.Require, packageFolder: string): TensorflowKernel[] {
  const own = new Set(OWN_KERNELS.map(({ name }) => name));
  return KERNEL_TABLE.filter(({ name }) => !own.has(name)).flatMap(({ name }) => {
    const file = path.join(packageFolder, 'dist', 'kernels', `${name}.js`);
    const module: unknown = existsSync(file) ? require(file) : undefined;
    const config = Object.values(module ?? {}).find(isKernelConfig);
    if (!config) return [];
    const kernel = { name, run: config.kernelFunc };
    return [POOL.test(name) ? withPadding(kernel) : kernel];
  });
}

/** The package brings a tfjs-core of its own, which finds its platform taken and would say so on the console. */
function quietly<T>(load: () => T): T {
  const isProduction = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    return load();
  } finally {
    tf.env().set('PROD', isProduction);
  }
}

/** tfjs-node 4.22 calls functions of `util` that Node 23 removed, and before that warned of. */
function restoreUtilities(): void {
  Reflect.set(util, 'isNullOrUndefined', (value: unknown) => value === null || value === undefined);
  Reflect.set(util, 'isArray', Array.isArray);
}

function registerBackend(name: string, backend: NodeBackend): void {
  tf.registerBackend(name, () => backend, 0);
}

function isAddon(value: unknown): value is Addon {
  const names = ['open', 'createGraph', 'graphConstant', 'graphOperation', 'defineFunction', 'removeFunction'];
  return typeof value === 'object' && value !== null && names.every((name) => Reflect.has(value, name));
}

function hasBackendClass(value: unknown): value is { NodeJSKernelBackend: NodeBackendClass } {
  return typeof value === 'object' && value !== null && Reflect.has(value, 'NodeJSKernelBackend');
}

function isKernelConfig(value: unknown): value is tf.KernelConfig {
  return typeof value === 'object' && value !== null && Reflect.has(value, 'kernelFunc');
}
