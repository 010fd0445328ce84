// `npm run check`: everything that a reviewer should not have to look for. Prints start and seconds of each check.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name) => join(root, 'node_modules', name);
const CHECKS = [
  ['format', [bin('prettier/bin/prettier.cjs'), '--check', '.', '--log-level', 'warn']],
  ['types', [bin('typescript/bin/tsc'), '-p', 'tsconfig.check.json']],
  [
    'lint',
    [
      bin('eslint/bin/eslint.js'),
      '.',
      '--cache',
      '--cache-location',
      'node_modules/.cache/eslint/',
      '--max-warnings',
      '0',
    ],
  ],
  ['dead code', [bin('knip/bin/knip.js'), '--no-progress']],
  ['error reference', ['scripts/docs-errors.mjs', '--check']],
  ['recipe reference', ['scripts/docs-recipe.mjs', '--check']],
  ['engine reference', ['scripts/docs-engine.mjs', '--check']],
  ['command-line reference', ['scripts/docs-command-line.mjs', '--check']],
  [
    'import law',
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      bin('jest/bin/jest.js'),
      '--selectProjects',
      'unit',
      '--silent',
      '--testPathPatterns',
      'test/architecture',
    ],
  ],
];

let failures = 0;
for (const [name, args] of CHECKS) {
  process.stdout.write(`${name} … `);
  const start = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok' : 'FAILED'} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  if (status !== 0) {
    failures += 1;
    console.log(`${stdout}${stderr}`);
  }
}
console.log(failures === 0 ? 'All checks passed.' : `${failures} of ${CHECKS.length} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
