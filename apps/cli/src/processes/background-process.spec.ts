import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BackgroundProcess } from './background-process.js';

const HOOKS = fileURLToPath(new URL('../../../site-agent/test-support/run-typescript.mjs', import.meta.url));
const never = new AbortController().signal;
let folder = '';
const started: BackgroundProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-process-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(script: string): Promise<BackgroundProcess> {
  const main = join(folder, 'main.mjs');
  await writeFile(main, script);
  const each = new BackgroundProcess({
    title: 'the example',
    main,
    args: [],
    stdoutFile: join(folder, 'out'),
    stderrFile: join(folder, 'err'),
    detached: false,
  });
  started.push(each);
  return each;
}

/** Polls until there is a value; the test's own time limit ends it. */
async function eventually<T>(probe: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    await delay(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const number = (line: string): number | undefined => (/^\d+$/.test(line) ? Number(line) : undefined);

describe('a background process', () => {
  it('gives the first line that can be read, and ends when it is asked to', async () => {
    const each = await start("console.log('starting'); console.log('42'); setInterval(() => {}, 1000);");
    expect(await each.firstLine(number, never)).toBe(42);
    await each.stop();
    expect(each.hasEnded()).toBe(true);
  });

  it('ends when the command that started it is killed with SIGKILL', async () => {
    const main = join(folder, 'main.mjs');
    await writeFile(
      main,
      "console.log(process.pid); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);",
    );
    const parent = join(folder, 'parent.mjs');
    const options = { title: 'x', main, args: [], stdoutFile: join(folder, 'out'), stderrFile: join(folder, 'err') };
    await writeFile(
      parent,
      `import { BackgroundProcess } from ${JSON.stringify(new URL('./background-process.ts', import.meta.url).href)};
       new BackgroundProcess(${JSON.stringify({ ...options, detached: false })});
       setInterval(() => {}, 1000);`,
    );
    const command = spawn(process.execPath, ['--conditions=source', '--import', HOOKS, parent]);
    const pid = await eventually(async () =>
      number((await readFile(options.stdoutFile, 'utf8').catch(() => '')).trim()),
    );
    command.kill('SIGKILL');
    expect(await eventually(async () => (isAlive(pid) ? undefined : 'gone'))).toBe('gone');
  }, 60_000);

  it('fails with its own coded error', async () => {
    const each = await start("console.error('PORT_IN_USE: the port is in use: 8080'); process.exitCode = 1;");
    await expect(each.failure()).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });

  it('fails by its name and exit code where it says nothing', async () => {
    const each = await start('process.exit(7);');
    const message = expect.stringContaining('the example (exit code 7)');
    await expect(each.firstLine(number, never)).rejects.toMatchObject({ code: 'PROCESS_ENDED', message });
  });

  it('is not waited for after an interruption', async () => {
    const each = await start('setInterval(() => {}, 1000);');
    await expect(each.firstLine(number, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
