import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { packagesReachedFrom } from '../../../../test/architecture/import-graph.js';

/** Everything that the process with the images may load. A new name here is a decision about patients' data. */
const ALLOWED = [
  'node:crypto',
  'node:fs',
  'node:fs/promises',
  'node:module',
  'node:os',
  'node:path',
  'node:readline',
  'node:timers/promises',
  'node:url',
  'node:util',
  'node:zlib',
  '@cornerstonejs/codec-charls/decodewasmjs',
  '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
  '@cornerstonejs/codec-openjpeg/decodewasmjs',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-core',
  'csv-parse/sync',
  'dcmjs',
  'dicom-parser',
  'jpeg-lossless-decoder-js',
  'ml-matrix',
  'nifti-reader-js',
  'onnxruntime-node',
  'pngjs',
  'zod',
];

const runTypeScript = new URL('../../test-support/run-typescript.mjs', import.meta.url).pathname;
const refusal = new URL('./network-refusal.ts', import.meta.url).href;
const runtime = new URL('../../../../libs/engines/src/onnx/onnx-runtime.ts', import.meta.url).href;

async function inRefusingProcess(statement: string): Promise<string> {
  const program = `import { refuseNetwork } from '${refusal}'; refuseNetwork(); try { ${statement}; console.log('open') } catch (error) { console.log(error.message) }`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    runTypeScript,
    '--input-type=module',
    '--eval',
    program,
  ]);
  return stdout.trim();
}

/** What a process of its own leaves in its home; nothing of this process's environment tells libraries to keep quiet. */
async function homeAfter(program: string): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'tributary-home-'));
  try {
    const words = ['--conditions=source', '--import', runTypeScript, '--input-type=module', '--eval', program];
    await promisify(execFile)(process.execPath, words, { env: { PATH: process.env['PATH'], HOME: home } });
    return await readdir(home, { recursive: true });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

describe('the trainer', () => {
  it("starts ONNX Runtime without its reports to its maker, for which it keeps a device's id and a queue in the home", async () => {
    const program = `import { InferenceSession } from '${runtime}'; await InferenceSession.create(new Uint8Array(8)).catch(() => 0)`;
    expect((await homeAfter(program)).filter((path) => /microsoft|onnxruntime/i.test(path))).toEqual([]);
  });

  it('reaches no module that opens a connection or starts a program', () => {
    const reached = packagesReachedFrom('apps/site-agent/src/trainer/main.ts');
    expect(reached.size).toBeGreaterThan(10);
    expect([...reached].filter(([name]) => !ALLOWED.includes(name))).toEqual([]);
  });

  it.each([
    ["await import('node:http')", 'node:http is refused'],
    ["await import('net')", 'net is refused'],
    ["(await import('node:module')).createRequire(import.meta.url)('https')", 'https is refused'],
    ["process.getBuiltinModule('dgram')", 'dgram is refused'],
    ["await import('node:child_process')", 'node:child_process is refused'],
    ["await fetch('http://127.0.0.1:9')", 'fetch is not defined'],
    ["new WebSocket('ws://127.0.0.1:9')", 'WebSocket is not defined'],
  ])('is refused the network when something tries %s', async (statement, message) => {
    expect(await inRefusingProcess(statement)).toContain(message);
  });

  it('may still read files', async () => {
    expect(await inRefusingProcess("await import('node:fs/promises')")).toBe('open');
  });
});
