import { describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertEmptyOutput, assertWritableOutput } from './new-folder.js';

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'new-folder-'));
}

describe('the folder that a command writes to at its end', () => {
  it('may hold something or be missing, but not be a file or lie in one', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'keep me');
    await assertWritableOutput(folder);
    await assertWritableOutput(join(folder, 'a', 'b'));
    for (const taken of [file, join(file, 'inside', 'it')]) {
      await expect(assertWritableOutput(taken)).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
    }
  });
});

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
