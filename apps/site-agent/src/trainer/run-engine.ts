import { join } from 'node:path';
import { TributaryError, type RunFile } from '@tributary/protocol';
import { chooseEngine, type EngineChoice, openChoice } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { z } from 'zod';
import { readJson } from '../durable-files/read-json.js';
import { writeFileAtomically } from '../durable-files/write-file-atomically.js';

/** In the run's folder: what the run's first trainer chose. */
const ENGINE_FILE = 'engine.json';

const choiceSchema = z.strictObject({
  name: z.enum(['onnx', 'tensorflow', 'reference']),
  device: z.string(),
  threads: z.int().min(1),
  layout: z.enum(['plain', 'blocked']),
  precision: z.enum(['float32', 'float16']).default('float32'),
});

/**
 * Opens the engine of a run. The first trainer of a run keeps its choice in the run's folder, and every later one uses it,
 * whatever the site has configured or a new measurement would say: another engine would give other bits.
 *
 * @throws TributaryError ENGINE_UNAVAILABLE with what is missing.
 */
export async function openRunEngine(settings: RunFile['engine'], runDirectory: string): Promise<Engine> {
  const file = join(runDirectory, ENGINE_FILE);
  const kept = await readJson(file, choiceSchema, 'TRAINER_TASK_INVALID');
  const { choice, engine } = await openSiteEngine(settings, kept);
  if (!kept) await writeFileAtomically(file, JSON.stringify({ ...choice, device: engine.device }));
  return engine;
}

/**
 * Opens the engine that a site configured, or the one that was chosen before.
 *
 * @throws TributaryError ENGINE_UNAVAILABLE with what is missing.
 */
export async function openSiteEngine(
  { name, device, threads, precision, memoryLimitMiB }: RunFile['engine'],
  kept?: EngineChoice,
): Promise<{ choice: EngineChoice; engine: Engine }> {
  try {
    const choice = kept ?? (await chooseEngine({ name, device, threads, precision }));
    return { choice, engine: await openChoice(choice, { memoryLimitMiB }) };
  } catch (error) {
    const asked = [kept?.name ?? name, kept?.device ?? device].filter((word) => word !== undefined).join(' on ');
    const detail = error instanceof RangeError ? `${asked}: ${error.message}` : asked;
    throw new TributaryError('ENGINE_UNAVAILABLE', { detail }, { cause: error });
  }
}
