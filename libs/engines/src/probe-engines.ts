import { availableParallelism } from 'node:os';
import type { Engine, EngineName } from '@tributary/tensor';
import { openChoice } from './open-choice.js';
import { PROBE_SIZE, probeProgram } from './probe-program.js';

/** What one engine is worth on one device of this machine. */
export interface EngineProbe {
  readonly name: EngineName;
  readonly device: string;
  readonly usable: boolean;
  /** Why it is not usable, with what to do. */
  readonly reason: string | null;
  /** Time of one small training step; null where it was not measured. */
  readonly stepMs: number | null;
  readonly trainImagesPerSecond: number | null;
}

export interface ProbeOptions {
  readonly threads?: number;
  /** Only engines on this device. */
  readonly device?: string;
  /** `several`: measure only where more than one engine could be chosen. */
  readonly measure?: 'all' | 'several';
}

type Candidate = Pick<EngineProbe, 'name' | 'device'>;

/** In the order in which they are preferred where they are equally quick. */
const CANDIDATES: readonly Candidate[] = [
  { name: 'onnx', device: 'cpu' },
  { name: 'onnx', device: 'webgpu' },
  { name: 'onnx', device: 'cuda' },
  { name: 'tensorflow', device: 'cpu' },
  { name: 'tensorflow', device: 'cuda' },
  { name: 'reference', device: 'cpu' },
];
const TIMED_STEPS = 3;

/**
 * Every engine on every device of this machine: usable or why not, and the time of one small training step. Takes a
 * second or two on a processor alone. GPU providers are not tried where there is evidently no GPU; the reference engine is
 * not timed.
 */
export async function probeEngines(options: ProbeOptions = {}): Promise<EngineProbe[]> {
  const { threads = availableParallelism(), device, measure = 'all' } = options;
  const opened: { candidate: Candidate; engine: Engine | Error }[] = [];
  for (const candidate of CANDIDATES) {
    if (device !== undefined && candidate.device !== device) continue;
    opened.push({ candidate, engine: await tryToOpen(candidate, threads) });
  }
  const timed = opened.filter(({ candidate, engine }) => candidate.name !== 'reference' && !(engine instanceof Error));
  const isTimed = measure === 'all' || timed.length > 1;
  const probes: EngineProbe[] = [];
  for (const each of opened) probes.push(await probe(each.candidate, each.engine, isTimed && timed.includes(each)));
  return probes;
}

async function tryToOpen({ name, device }: Candidate, threads: number): Promise<Engine | Error> {
  try {
    return await openChoice({ name, device, threads, layout: 'blocked' });
  } catch (error) {
    return asError(error);
  }
}

async function probe(candidate: Candidate, engine: Engine | Error, isTimed: boolean): Promise<EngineProbe> {
  const unknown = { ...candidate, usable: true, reason: null, stepMs: null, trainImagesPerSecond: null };
  if (engine instanceof Error) return { ...unknown, usable: false, reason: reasonOf(engine) };
  try {
    if (!isTimed) return unknown;
    const stepMs = await timeStep(engine);
    return { ...unknown, stepMs, trainImagesPerSecond: (1000 * PROBE_SIZE.batch) / stepMs };
  } catch (error) {
    return { ...unknown, usable: false, reason: reasonOf(asError(error)) };
  } finally {
    await engine.dispose();
  }
}

/** The quickest of a few steps after one that prepares. */
async function timeStep(engine: Engine): Promise<number> {
  const program = await probeProgram(engine);
  await program.step();
  let bestMs = Infinity;
  for (let i = 0; i < TIMED_STEPS; i++) {
    const startMs = performance.now();
    await program.step();
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  await program.dispose();
  return bestMs;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** ONNX Runtime puts the place in its own sources before the sentence that says something. */
function reasonOf({ message }: Error): string {
  const [line = ''] = message.split('\n');
  return line.replace(/^\/onnxruntime_src.* was false\. /, '');
}
