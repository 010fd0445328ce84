// Runs jest projects and ends with the plain line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const projects = process.argv.slice(2).filter((argument) => ['unit', 'medium', 'e2e', 'slow'].includes(argument));
const rest = process.argv.slice(2).filter((argument) => !projects.includes(argument));

function hasPostgres() {
  return existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').length > 0;
}

const environment = { ...process.env };
if (!hasPostgres() && process.env.CI !== 'true' && environment.TRIBUTARY_SKIP_POSTGRES === undefined) {
  environment.TRIBUTARY_SKIP_POSTGRES = 'PostgreSQL is not installed';
  console.error(
    'PostgreSQL is not installed: its tests are skipped, the embedded database is tested alone. To get it: apt-get install postgresql',
  );
}

const folder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
const outputFile = join(folder, 'results.json');
const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join(root, 'node_modules/jest/bin/jest.js'),
];
// Much of these projects is waiting for processes; the slow ones measure memory and time, one after the other.
const workers = projects.includes('slow') ? [] : [`--maxWorkers=${Math.max(2, availableParallelism() - 1)}`];
const run = spawnSync(
  process.execPath,
  [...jest, '--selectProjects', ...projects, ...workers, '--json', `--outputFile=${outputFile}`, ...rest],
  {
    cwd: root,
    env: environment,
    stdio: ['inherit', 'ignore', 'inherit'],
  },
);
let passed = 0;
let failed = 1;
if (existsSync(outputFile)) {
  const results = JSON.parse(readFileSync(outputFile, 'utf8'));
  passed = results.numPassedTests;
  // A suite that could not even load counts as one failure.
  failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests;
  if (skipped > 0) console.log(`${skipped} skipped, each with its reason above`);
}
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = run.status === 0 && failed === 0 ? 0 : 1;
