import type { InstallationStamp } from '@tributary/engines/tensorflow/installation';

/** A wheel with the one content that is accepted. */
export interface PinnedWheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Everything that one installation is made from. */
export interface InstallationPlan {
  readonly packageName: InstallationStamp['packageName'];
  readonly packageVersion: string;
  readonly headersVersion: string;
  readonly wheel: PinnedWheel;
  /** Requirements for pip of NVIDIA's libraries, of which libtensorflow 2.21 needs these versions; empty without a GPU. */
  readonly cudaRequirements: readonly string[];
  /** Free space that is needed while installing. */
  readonly diskBytes: number;
}

const MEGABYTE = 1e6;
const TFJS_VERSION = '4.22.0';
const HEADERS_VERSION = '1.5.0';

const CPU_PLAN: InstallationPlan = {
  packageName: '@tensorflow/tfjs-node',
  packageVersion: TFJS_VERSION,
  headersVersion: HEADERS_VERSION,
  wheel: {
    name: 'tensorflow-cpu',
    version: '2.21.0',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    sizeBytes: 273_800_000,
  },
  cudaRequirements: [],
  diskBytes: 1300 * MEGABYTE,
};

const CUDA_PLAN: InstallationPlan = {
  ...CPU_PLAN,
  packageName: '@tensorflow/tfjs-node-gpu',
  wheel: {
    name: 'tensorflow',
    version: '2.21.0',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    sizeBytes: 572_000_000,
  },
  cudaRequirements: [
    'nvidia-cublas-cu12==12.9.3.13',
    'nvidia-cuda-cupti-cu12==12.9.79',
    'nvidia-cuda-nvrtc-cu12==12.9.86',
    'nvidia-cuda-runtime-cu12==12.9.79',
    'nvidia-cudnn-cu12==9.28.0.42',
    'nvidia-cufft-cu12==11.4.1.4',
    'nvidia-curand-cu12==10.3.10.19',
    'nvidia-cusolver-cu12==11.7.5.82',
    'nvidia-cusparse-cu12==12.5.10.65',
    'nvidia-nccl-cu12==2.32.3',
    'nvidia-nvjitlink-cu12==12.9.86',
  ],
  diskBytes: 9000 * MEGABYTE,
};

/** What is installed for the CPU, or for an NVIDIA GPU. */
export function installationPlan({ isCuda }: { readonly isCuda: boolean }): InstallationPlan {
  return isCuda ? CUDA_PLAN : CPU_PLAN;
}

/** The file name under which pip stores the plan's wheel begins with this. */
export function wheelPrefix({ name, version }: PinnedWheel): string {
  return `${name.replaceAll('-', '_')}-${version}-`;
}

/** Where a file of the TensorFlow wheel goes below the engine's folder; undefined for what the engine does not need. */
export function placeOfWheelFile(name: string): string | undefined {
  const library = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/.exec(name)?.[1];
  if (library !== undefined) return `lib/${library}`;
  const isHeader =
    /^tensorflow\/include\/(tensorflow\/c\/|(tensorflow\/core|tsl|xla\/tsl)\/(platform\/ctstring|c\/)).*\.h$/.test(
      name,
    );
  return isHeader ? name.slice('tensorflow/'.length) : undefined;
}

/** The same for NVIDIA's wheels: libtensorflow looks for them in `../nvidia` beside its own folder. */
export function placeOfCudaFile(name: string): string | undefined {
  return /^nvidia\/.*\/lib\/.*\.so/.test(name) ? name : undefined;
}
