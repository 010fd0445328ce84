import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Injection token of the {@link Instance}. */
export const INSTANCE = Symbol('Instance');

/** This coordinator among its replicas. */
export interface Instance {
  readonly id: string;
}

/**
 * The id of the data folder, made at the first start. It outlives a crash: the folder's lock lets one process use it, so
 * what "this instance" had leased before it was killed may be taken again at once.
 */
export function readInstance(dataDir: string): Instance {
  const path = join(dataDir, 'instance-id');
  if (!existsSync(path)) writeFileSync(path, randomUUID());
  return { id: readFileSync(path, 'utf8').trim() };
}
