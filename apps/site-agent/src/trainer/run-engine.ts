import { TributaryError, type RunFile } from '@tributary/protocol';
import { openEngine, type Engine } from '@tributary/tensor';

/** @throws TributaryError ENGINE_UNAVAILABLE with the engine that was asked for. */
export async function openRunEngine({ name, threads }: RunFile['engine']): Promise<Engine> {
  try {
    return await openEngine({ name, threads });
  } catch (error) {
    throw new TributaryError('ENGINE_UNAVAILABLE', { detail: name }, { cause: error });
  }
}
