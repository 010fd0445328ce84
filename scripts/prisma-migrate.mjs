// `node scripts/prisma-migrate.mjs dev --name what-changes` | status | diff …: Prisma Migrate on a closed network.
// Needs DATABASE_URL of a PostgreSQL in which it may create a shadow database.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [
    path('node_modules/prisma/build/index.js'),
    'migrate',
    ...process.argv.slice(2),
    '--config',
    path('prisma/prisma.config.ts'),
  ],
  {
    cwd: path('.'),
    stdio: 'inherit',
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: path('scripts/prisma-schema-engine.mjs'),
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  },
);
process.exit(status ?? 1);
