import { join } from 'node:path';
import type { CoordinatorConfig } from '../config/coordinator-config.js';
import { Database } from './database.js';

/** PostgreSQL when a URL is set, else the embedded database in the data folder; the schema is up to date after it. */
export async function openDatabase(config: CoordinatorConfig): Promise<Database> {
  const backend =
    config.databaseUrl === undefined
      ? await (await import('./pglite-backend.js')).openPGlite(join(config.dataDir, 'database'))
      : await (await import('./postgres-backend.js')).openPostgres(config.databaseUrl);
  return new Database(backend);
}
