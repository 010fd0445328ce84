import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { asDiskFull, writeFileAtomically } from './write-file-atomically.js';

describe('writeFileAtomically', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'write-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('replaces the content as a whole and leaves nothing else behind', async () => {
    const path = join(folder, 'state.json');
    await writeFileAtomically(path, 'old');
    await writeFileAtomically(path, [Buffer.from('ne'), Buffer.from('w')], { mode: 0o600 });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('keeps the old content when the new cannot be put in place', async () => {
    const path = join(folder, 'taken');
    await mkdir(join(path, 'inside'), { recursive: true });
    await expect(writeFileAtomically(path, 'new')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('is not stopped by what a killed process left', async () => {
    const path = join(folder, 'state.json');
    await writeFile(`${path}.${process.pid - 1}.1.tmp`, 'half');
    await writeFileAtomically(path, 'whole');
    expect(await readFile(path, 'utf8')).toBe('whole');
  });

  it('names a full disk by its code', () => {
    expect(asDiskFull(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toMatchObject({ code: 'DISK_FULL' });
    expect(asDiskFull(Object.assign(new Error('x'), { code: 'EIO' }))).toMatchObject({ code: 'EIO' });
  });
});
