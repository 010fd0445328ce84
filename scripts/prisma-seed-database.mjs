// Makes the initialised database that a coordinator's first start copies (seconds quicker than making one).
// Needs the built coordinator. Does nothing when the seed is there and the migrations have not changed since.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { SEED_DATABASE, SEED_STAMP, openPGlite } =
  await import('../apps/coordinator/dist/platform/database/pglite-backend.js');
const { migrationsStamp, readMigrations } = await import('../apps/coordinator/dist/platform/database/migrations.js');
const { Database } = await import('../apps/coordinator/dist/platform/database/database.js');
const { prepareJobQueue } = await import('../apps/coordinator/dist/platform/jobs/job-queue.js');

const stampFile = join(SEED_DATABASE, SEED_STAMP);
const stamp = migrationsStamp(readMigrations());
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  const building = `${SEED_DATABASE}.building`;
  rmSync(building, { recursive: true, force: true });
  const database = new Database(await openPGlite(building, ''));
  await prepareJobQueue(database);
  await database.close();
  rmSync(join(building, 'postmaster.pid'), { force: true });
  writeFileSync(join(building, SEED_STAMP), stamp);
  rmSync(SEED_DATABASE, { recursive: true, force: true });
  renameSync(building, SEED_DATABASE);
}
