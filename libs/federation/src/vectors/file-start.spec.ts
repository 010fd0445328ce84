import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStart } from './file-start.js';

/** Linux's device that has no room. */
const FULL_DEVICE = '/dev/full';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('FileStart', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-start-'));
    path = join(folder, 'blob.part');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('goes on at the end of what is there, and knows the hash of all of it', async () => {
    await writeFile(path, 'abc');
    const start = await FileStart.open(path);
    await start.append(Buffer.from('de'));
    expect(start.sha256()).toBe(sha256('abcde'));
    await start.append(Buffer.from('f'));
    expect({ sizeBytes: start.sizeBytes, sha256: start.sha256() }).toEqual({ sizeBytes: 6, sha256: sha256('abcdef') });
    await start.close();
    expect(await readFile(path, 'utf8')).toBe('abcdef');
  });

  it('begins anew when there is more than the whole', async () => {
    await writeFile(path, 'abcd');
    const start = await FileStart.open(path, 3);
    await start.append(Buffer.from('x'));
    await start.close();
    expect({ sha256: start.sha256(), text: await readFile(path, 'utf8') }).toEqual({ sha256: sha256('x'), text: 'x' });
  });

  it('lets two writers put the same bytes together', async () => {
    const [first, second] = [await FileStart.open(path), await FileStart.open(path)];
    await first.append(Buffer.from('abcd'));
    await second.append(Buffer.from('ab'));
    await first.append(Buffer.from('ef'));
    await second.append(Buffer.from('cdef'));
    await Promise.all([first.close(), second.close()]);
    expect(await readFile(path, 'utf8')).toBe('abcdef');
    expect([first.sha256(), second.sha256()]).toEqual([sha256('abcdef'), sha256('abcdef')]);
  });

  (existsSync(FULL_DEVICE) ? it : it.skip)(`tells a disk without room, where there is ${FULL_DEVICE}`, async () => {
    const start = await FileStart.open(FULL_DEVICE);
    await expect(start.append(Buffer.from('a'))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await start.close();
  });
});
