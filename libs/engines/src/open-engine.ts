import { availableParallelism } from 'node:os';
import type { Engine, EngineName } from '@tributary/tensor';
import type { Precision } from '@tributary/onnx-graph';
import type { ConvolutionLayout } from './onnx/onnx-engine.js';
import { type EngineChoice, type EngineExtras, openChoice } from './open-choice.js';
import { type EngineProbe, probeEngines } from './probe-engines.js';

export interface EngineOptions extends EngineExtras {
  /** `auto` takes the quickest engine that is usable here. */
  readonly name?: EngineName | 'auto';
  /** `cpu`, `webgpu` or `cuda`. When left out: of `auto` the quickest, else what the engine has. */
  readonly device?: string;
  /** CPU threads, >= 1; all cores when left out. Where several trainers share a machine, give each its part. */
  readonly threads?: number;
  /** Of the onnx engine. When left out: `blocked` for `auto` where the probe finds it right, else `plain`. */
  readonly layout?: ConvolutionLayout;
  /** What training steps compute matrix products and convolutions in; of the onnx engine. float32 when left out. */
  readonly precision?: Precision;
}

/** The quickest engine by device asked for and threads: measured once a process. */
const quickest = new Map<string, Promise<EngineProbe>>();

/**
 * Settles what `auto` and left-out options mean on this machine.
 * @throws RangeError for a wrong number of threads, or when nothing is usable.
 */
export async function chooseEngine(options: EngineOptions = {}): Promise<EngineChoice> {
  const { name = 'auto', device, threads = availableParallelism(), precision = 'float32' } = options;
  const { layout = name === 'auto' ? 'blocked' : 'plain' } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new RangeError(`threads must be an integer >= 1, got ${threads}`);
  if (name !== 'auto') return { name, device, threads, layout, precision };
  const key = `${device} ${threads} ${precision}`;
  const probe = quickest.get(key) ?? findQuickest({ threads, device, precision });
  quickest.set(key, probe);
  const found = await probe;
  return { name: found.name, device: found.device, threads, layout, precision };
}

interface Wanted {
  readonly threads: number;
  readonly device: string | undefined;
  readonly precision: Precision;
}

async function findQuickest({ threads, device, precision }: Wanted): Promise<EngineProbe> {
  const probes = await probeEngines({ threads, device, measure: 'several' });
  const isRight = ({ name }: EngineProbe) => (precision === 'float16' ? name === 'onnx' : name !== 'reference');
  const usable = probes.filter((probe) => probe.usable && isRight(probe));
  const [best] = usable.sort((a, b) => (a.stepMs ?? Infinity) - (b.stepMs ?? Infinity));
  if (best) return best;
  const reasons = probes.map((probe) => `${probe.name} on ${probe.device}: ${probe.reason ?? 'for tests only'}`);
  throw new RangeError(reasons.join('; ') || `no engine has a device ${device}`);
}

/**
 * Opens an engine.
 * @throws RangeError for an engine or device that is not here, with what to do, or a wrong number of threads.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return openChoice(await chooseEngine(options), options);
}
