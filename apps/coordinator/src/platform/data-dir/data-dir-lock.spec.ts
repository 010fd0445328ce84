import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir } from './data-dir-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lockFile = () => join(folder, 'coordinator.lock');
const holder = (pid: number, startedAt: string | null = null) => JSON.stringify({ pid, startedAt });

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'close');
  return child.pid ?? 0;
}

describe('the lock of a data folder', () => {
  it('is refused while another process that runs holds it, naming the process', () => {
    writeFileSync(lockFile(), holder(process.ppid));
    expect(() => lockDataDir(folder)).toThrow(
      expect.objectContaining({ code: 'DATA_DIR_LOCKED', context: expect.objectContaining({ pid: process.ppid }) }),
    );
  });

  it('is taken over from a process that was killed', async () => {
    writeFileSync(lockFile(), holder(await endedPid()));
    const release = lockDataDir(folder);
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over when the pid now belongs to a process that started at another time', () => {
    writeFileSync(lockFile(), holder(process.ppid, '12'));
    expect(() => lockDataDir(folder)).not.toThrow();
  });

  it('is taken over when it was written half', () => {
    writeFileSync(lockFile(), '{"pid":');
    expect(() => lockDataDir(folder)).not.toThrow();
  });
});
