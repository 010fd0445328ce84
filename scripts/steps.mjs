// Set-up steps, each skipped when its inputs have not changed. Runs on any Node >= 20, before anything is installed.
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainInstallFailure } from './install-failure.mjs';

const root = join(import.meta.dirname, '..');
const stampFile = join(root, 'node_modules', '.cache', 'tributary-setup.json');
const isWindows = process.platform === 'win32';

/** Node 24 of the pinned dev dependency `node`. */
export const nodeBinary = join(root, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node');

/** Progress goes to stderr: stdout belongs to the command that follows. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

export class SetupError extends Error {}

function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function writeStamp(step, value) {
  const stamps = { ...readStamps(), [step]: value };
  mkdirSync(join(root, 'node_modules', '.cache'), { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamps, null, 2));
}

function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function sourceFiles(folder, found = []) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !['node_modules', 'dist'].includes(entry.name)) sourceFiles(path, found);
    else if (/\.(ts|json|mjs|prisma|sql)$/.test(entry.name)) found.push(path);
  }
  return found;
}

async function sizeMegabytes(folder) {
  const { stdout } = await run('du', ['-sm', folder]).catch(() => ({ stdout: '' }));
  return Number.parseInt(stdout, 10) || undefined;
}

function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve({ stdout, stderr })
        : reject(Object.assign(new Error(`${command} ended with ${code}`), { stdout, stderr, code })),
    );
  });
}

/** Runs `work` and prints a line at least every 4 s, with the growing size of `folder` where it is given. */
async function withProgress(title, { folder }, work) {
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(0);
  say(`${title} …`);
  const timer = setInterval(async () => {
    const size = folder === undefined ? undefined : await sizeMegabytes(folder);
    say(`  ${seconds()} s${size === undefined ? '' : `, ${size} MB on disk`}`);
  }, 4000);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  const size = folder === undefined ? undefined : await sizeMegabytes(folder);
  say(`  done in ${seconds()} s${size === undefined ? '' : `, ${size} MB`}`);
}

async function installPackages() {
  const wanted = `${hashFiles(['package-lock.json', '.npmrc'])} ${process.platform} ${process.arch}`;
  if (readStamps().packages === wanted && existsSync(nodeBinary)) return;
  const npm = isWindows ? 'npm.cmd' : 'npm';
  const failed = (what, lost) => (error) => {
    throw new SetupError(
      explainInstallFailure({ what, lost, output: `${error.stdout ?? ''}\n${error.stderr ?? error.message}` }),
    );
  };
  await withProgress('Installing packages with npm ci (about 1.0 GB on disk)', { folder: 'node_modules' }, () =>
    run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { shell: isWindows }).catch(
      failed('the npm packages', 'nothing can run'),
    ),
  );
  await withProgress('Installing Node 24 (npm package "node", 190 MB on disk)', { folder: 'node_modules/node' }, () =>
    run(npm, ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error'], { shell: isWindows }).catch(
      failed('Node 24', 'the programs need it and will not start'),
    ),
  );
  writeStamp('packages', wanted);
}

async function generateDatabaseClient() {
  const wanted = hashFiles(['prisma/schema.prisma', 'scripts/prisma-generate.mjs', 'package-lock.json']);
  if (readStamps().databaseClient === wanted && existsSync(join(root, 'apps/coordinator/src/generated/prisma'))) return;
  await withProgress('Generating the database client', {}, () =>
    run(nodeBinary, ['scripts/prisma-generate.mjs']).catch((error) => {
      throw new SetupError(`The database client could not be generated:\n${error.stderr ?? error.message}`);
    }),
  );
  writeStamp('databaseClient', wanted);
}

async function build() {
  const files = [...sourceFiles('libs'), ...sourceFiles('apps'), 'tsconfig.base.json'].sort();
  const fingerprint = createHash('sha256');
  for (const file of files) {
    const { mtimeMs, size } = statSync(join(root, file));
    fingerprint.update(`${file} ${mtimeMs} ${size}\n`);
  }
  const wanted = fingerprint.digest('hex');
  if (readStamps().build === wanted && existsSync(join(root, 'apps/cli/dist/main.js'))) return;
  await withProgress('Building', {}, () =>
    run(nodeBinary, ['node_modules/typescript/bin/tsc', '-b']).catch((error) => {
      throw new SetupError(`The build failed:\n${error.stdout ?? error.message}`);
    }),
  );
  writeStamp('build', wanted);
}

async function seedDatabase() {
  const wanted = hashFiles(sourceFiles('prisma').sort());
  if (readStamps().seed === wanted) return;
  await withProgress('Preparing the embedded database', {}, () =>
    run(nodeBinary, ['scripts/prisma-seed-database.mjs']).catch((error) => {
      say(
        `  not prepared (the first start takes some seconds longer): ${String(error.stderr ?? error.message)
          .trim()
          .split('\n')
          .at(-1)}`,
      );
    }),
  );
  writeStamp('seed', wanted);
}

/** Everything from a fresh clone to programs that run; a second call returns at once. */
export async function setUp() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    throw new SetupError(
      `Node ${process.versions.node} is too old: install Node 20 or newer, then run the same command again.`,
    );
  await installPackages();
  await generateDatabaseClient();
  await build();
  await seedDatabase();
}
