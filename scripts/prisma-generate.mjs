// Generates the Prisma client into apps/coordinator/src/generated/prisma.
// Prisma's native schema engine is a download that `generate` does not need, so its place is taken by a program that
// only answers `--version`: this works on a closed network.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [path('node_modules/prisma/build/index.js'), 'generate', '--no-hints', '--config', path('prisma/prisma.config.ts')],
  {
    cwd: path('.'),
    stdio: ['ignore', process.argv.includes('--quiet') ? 'ignore' : 'inherit', 'inherit'],
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
  },
);
process.exit(status ?? 1);
