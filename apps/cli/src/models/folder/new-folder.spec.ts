import { describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertEmptyOutput } from './new-folder.js';

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'new-folder-'));
}

describe('the folder that a command is to make', () => {
  it('may be missing or empty', async () => {
    const folder = await temporaryFolder();
    await assertEmptyOutput(join(folder, 'missing'));
    await mkdir(join(folder, 'empty'));
    await assertEmptyOutput(join(folder, 'empty'));
  });

  it("may be neither somebody's file, nor lie in one, nor hold something", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'keep me');
    for (const taken of [file, join(file, 'inside'), folder]) {
      await expect(assertEmptyOutput(taken)).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
    }
  });
});
