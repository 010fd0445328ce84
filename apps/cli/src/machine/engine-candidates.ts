import { openEngine, type EngineName } from '@tributary/tensor';

const NAMES: readonly EngineName[] = ['onnx', 'tensorflow', 'reference'];

/** One engine and whether this machine can run it. */
export interface EngineCandidate {
  readonly name: EngineName;
  readonly device: string | null;
  readonly usable: boolean;
  readonly reason: string | null;
}

/** Opens every engine in turn, quickest first. */
export async function engineCandidates(): Promise<EngineCandidate[]> {
  const found: EngineCandidate[] = [];
  for (const name of NAMES) found.push(await tryEngine(name));
  return found;
}

async function tryEngine(name: EngineName): Promise<EngineCandidate> {
  try {
    const engine = await openEngine({ name, threads: 1 });
    const { device } = engine;
    await engine.dispose();
    return { name, device, usable: true, reason: null };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it could not be opened';
    return { name, device: null, usable: false, reason };
  }
}
