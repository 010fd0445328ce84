#!/usr/bin/env node
// `npm run X` for every X that needs the project set up: sets up what is missing, then runs X on the pinned Node 24.
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { nodeBinary, say, setUp, SetupError } from './steps.mjs';

const root = join(import.meta.dirname, '..');
const PROGRAMS = {
  tributary: ['apps/cli/bin/tributary.mjs'],
  demo: ['apps/cli/bin/tributary.mjs', 'demo'],
  test: ['scripts/test.mjs', 'unit', 'medium', 'e2e'],
  'test:slow': ['scripts/test.mjs', 'slow'],
  'bench:quality': ['apps/cli/bin/tributary.mjs', 'bench', 'quality'],
  chaos: [
    '--conditions=source',
    '--import',
    './apps/site-agent/test-support/run-typescript.mjs',
    'test/e2e/chaos/main.ts',
  ],
  check: ['scripts/check.mjs'],
  'bench:heterogeneous': ['apps/site-agent/dist/bench/main.js'],
};

function runProgram(args) {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  const child = spawn(nodeBinary, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path } });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1))),
  );
}

const [name, ...rest] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) {
  say(`Unknown command ${name ?? '(none)'}: one of ${Object.keys(PROGRAMS).join(', ')}.`);
  process.exit(2);
}
try {
  await setUp();
  process.exitCode = await runProgram([...program, ...rest]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
