import { createRequire } from 'node:module';
import path from 'node:path';

/** Where ONNX Runtime executes: the processor, any GPU with Vulkan, Metal or Direct3D 12, or an NVIDIA GPU. */
export const ONNX_DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type OnnxDevice = (typeof ONNX_DEVICES)[number];

/** What is known of a machine before any library is asked. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly exists: (file: string) => boolean;
}

/** Files by which a driver shows itself on Linux: kernel graphics, NVIDIA, and the GPU of a Windows host. */
const GPU_FILES = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];
const NVIDIA_FILES = ['/dev/nvidiactl', '/dev/dxg'];
/** These name a Vulkan driver (a software one too) wherever it lies. */
const VULKAN_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

const CUDA_REMEDY =
  'in the folder of the package onnxruntime-node run `node script/install --onnxruntime-node-install=cuda12` (it downloads from api.nuget.org), or use webgpu';

/** Why a device is evidently not here, with what to do; undefined where it may be, which only opening it can tell. */
export function absenceOf(device: OnnxDevice, machine: Machine): string | undefined {
  if (device === 'cpu') return undefined;
  return device === 'webgpu' ? webgpuAbsence(machine) : cudaAbsence(machine);
}

function webgpuAbsence({ platform, environment, exists }: Machine): string | undefined {
  const isNamed = VULKAN_VARIABLES.some((name) => environment[name] !== undefined);
  if (platform !== 'linux' || isNamed || GPU_FILES.some(exists)) return undefined;
  return 'no GPU is visible (no /dev/dri, no NVIDIA device); install its driver, or hand it to the container';
}

function cudaAbsence({ platform, arch, exists }: Machine): string | undefined {
  if (arch !== 'x64' || (platform !== 'linux' && platform !== 'win32')) {
    return `ONNX Runtime has no CUDA provider for ${platform} on ${arch}; use webgpu`;
  }
  if (platform === 'linux' && !NVIDIA_FILES.some(exists)) {
    return 'no NVIDIA GPU is visible; install its driver, or start the container with --gpus';
  }
  if (exists(cudaProvider(platform, arch))) return undefined;
  return `the CUDA provider of ONNX Runtime is not installed; ${CUDA_REMEDY}`;
}

/** The library that onnxruntime-node leaves out of its npm package. */
function cudaProvider(platform: string, arch: string): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const name = platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return path.join(path.dirname(main), '..', 'bin', 'napi-v6', platform, arch, name);
}
