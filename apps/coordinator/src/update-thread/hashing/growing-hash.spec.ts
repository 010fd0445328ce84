import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrowingHash } from './growing-hash.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-growing-hash-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const content = Buffer.from(Uint8Array.from({ length: 2_500_001 }, (_, i) => (i * 31 + (i >> 8)) % 251));

describe('GrowingHash', () => {
  it('is the SHA-256 of the file, whatever the steps in which it grew', async () => {
    const path = join(folder, 'growing');
    await writeFile(path, '');
    const hash = new GrowingHash(path);
    let size = 0;
    for (const end of [0, 1, 1_048_576, 1_048_577, 2_400_000]) {
      await appendFile(path, content.subarray(size, end));
      size = end;
      void hash.advance(size);
    }
    await appendFile(path, content.subarray(size));
    expect(await hash.digest(content.length)).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('fails for a file that is shorter than what was written to it', async () => {
    const path = join(folder, 'short');
    await writeFile(path, 'short');
    await expect(new GrowingHash(path).digest(6)).rejects.toThrow('shorter');
  });

  it('fails for a file that is gone', async () => {
    await expect(new GrowingHash(join(folder, 'missing')).digest(6)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
