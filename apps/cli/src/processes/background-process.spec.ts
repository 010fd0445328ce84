import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackgroundProcess } from './background-process.js';

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

const number = (line: string): number | undefined => (/^\d+$/.test(line) ? Number(line) : undefined);

describe('a background process', () => {
  it('gives the first line that can be read, and ends when it is asked to', async () => {
    const each = await start("console.log('starting'); console.log('42'); setInterval(() => {}, 1000);");
    expect(await each.firstLine(number, never)).toBe(42);
    await each.stop();
    expect(each.hasEnded()).toBe(true);
  });

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
