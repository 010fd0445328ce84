import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutputFolder } from './output-folder.js';

const disk = { freeBytes: () => Promise.resolve(5e9) };
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-out-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('the demo’s output folder', () => {
  it('replaces what an earlier demo wrote and keeps what somebody put beside it', async () => {
    const out = join(root, 'deep', 'out');
    const first = await openOutputFolder(out, { neededBytes: 1, disk });
    await first.writeFile('report.html', 'old');
    await writeFile(join(out, 'notes.txt'), 'mine');
    await openOutputFolder(out, { neededBytes: 1, disk });
    expect((await readdir(out)).sort()).toEqual(['.tributary-demo.json', 'film', 'logs', 'notes.txt', 'sites']);
  });

  it('refuses a folder that holds something else, and changes nothing', async () => {
    await writeFile(join(root, 'thesis.tex'), 'mine');
    await expect(openOutputFolder(root, { neededBytes: 1, disk })).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
    expect(await readdir(root)).toEqual(['thesis.tex']);
  });

  it('refuses a file', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(openOutputFolder(file, { neededBytes: 1, disk })).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
  });

  it('refuses to start without the space that it needs, and makes no folder', async () => {
    const out = join(root, 'out');
    const refusal = openOutputFolder(out, { neededBytes: 6e9, disk });
    await expect(refusal).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('6.0 GB') });
    expect(await readdir(root)).toEqual([]);
  });

  it('leaves the folder of a demo that still runs alone', async () => {
    const folder = await openOutputFolder(root, { neededBytes: 1, disk });
    await folder.recordProcesses([process.pid]);
    await expect(openOutputFolder(root, { neededBytes: 1, disk })).rejects.toMatchObject({ code: 'DATA_DIR_LOCKED' });
  });
});
