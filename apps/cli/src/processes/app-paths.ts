import { fileURLToPath } from 'node:url';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The built programs that the command starts; all lie in the same checkout. */
export const COORDINATOR_MAIN = fromHere('../../../coordinator/dist/main.js');
export const AGENT_MAIN = fromHere('../../../site-agent/dist/main.js');
export const AGGREGATION_BENCH_MAIN = fromHere('../../../coordinator/dist/update-thread/aggregation-bench-process.js');
export const ENGINE_CONTENDER_MAIN = fromHere('../../dist/bench/engine-contender-process.js');
export const LIGHT_SITES_MAIN = fromHere('../../../site-agent/dist/light-sites/light-sites-process.js');

/**
 * For programs that run for weeks. A young generation of 2 MiB a half keeps some 40 MB less while idle than V8's default. An old one
 * that is collected when it has grown by 30 %, not by V8's 300 %, keeps 100 to 180 MiB less under a coordinator of a thousand sites, for
 * 3 to 9 % more processor than at 60 %, which keeps 40 MiB more. Rounds of few sites take as long with either.
 */
export const LASTING_PROGRAM_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=30'];

/**
 * For the coordinator: glibc's `malloc` gives each of some dozen threads an arena of its own, and an arena keeps what was freed
 * in it. Two for all keep 27 MB less under rounds of 100 MB, at no cost in time. Buffers of 128 KiB and more go back to the system
 * when they are freed, of smaller ones (chunks of weights have 64 KiB) 4 MiB stay at the most: a chunk from fresh pages costs
 * more than receiving it, and a round of 250 MB x 6 sites took 6 % longer.
 */
export const COORDINATOR_ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '4194304',
};
