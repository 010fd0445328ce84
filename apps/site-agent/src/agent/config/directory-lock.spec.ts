import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lockDirectory, lockHolder } from './directory-lock.js';

describe('lockDirectory', () => {
  let folder: string;
  let lockFile: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lock-'));
    lockFile = join(folder, 'agent.lock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('refuses a second holder and names the first', async () => {
    const lock = await lockDirectory(lockFile);
    await expect(lockDirectory(lockFile)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      context: { pid: process.pid },
    });
    expect(await lockHolder(lockFile)).toBe(process.pid);
    await lock.release();
    expect(await lockHolder(lockFile)).toBeUndefined();
    await (await lockDirectory(lockFile)).release();
  });

  it('takes over from a process that was killed', async () => {
    const { pid } = spawnSync(process.execPath, ['--eval', '0']);
    await writeFile(lockFile, JSON.stringify({ pid, startedAt: '1' }));
    await (await lockDirectory(lockFile)).release();
  });

  it('takes over when the process id now belongs to another process', async () => {
    await writeFile(lockFile, JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
    const lock = await lockDirectory(lockFile);
    expect(JSON.parse(await readFile(lockFile, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('takes over a lock that was torn by a crash', async () => {
    await writeFile(lockFile, '{"pid":');
    await (await lockDirectory(lockFile)).release();
  });
});
