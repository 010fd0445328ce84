import type { BenchSize } from './bench-step.js';

/** The three sizes of the benchmark. `bench/torch_unet.py` builds the same networks. */
export const BENCH_SIZES: readonly BenchSize[] = [
  {
    name: 'mini',
    imageSize: 32,
    batch: 16,
    network: { channels: [16, 32, 32], attention: [false, false, true], blocksPerLevel: 1, groups: 4 },
  },
  {
    name: 'mednist',
    imageSize: 64,
    batch: 8,
    network: { channels: [64, 128, 128], attention: [false, false, true], blocksPerLevel: 1, groups: 32 },
  },
  {
    name: 'large',
    imageSize: 128,
    batch: 2,
    network: { channels: [96, 192, 288, 384], attention: [false, false, false, true], blocksPerLevel: 1, groups: 32 },
  },
];
