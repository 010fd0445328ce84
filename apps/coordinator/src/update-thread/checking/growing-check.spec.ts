import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openFileBytes, type ByteSource } from '@tributary/federation';
import { manifestLocations } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import type { UpdateCheck } from '../update-orders.js';
import { GrowingCheck } from './growing-check.js';

const manifest = [{ name: 'w', shape: [700_000] }];
const header = encodeSafetensorsHeader(manifestLocations(manifest));
const numbers = Float32Array.from({ length: 700_000 }, (_, i) => Math.sin(i));
const fileOf = (values: Float32Array): Buffer => Buffer.concat([header, Buffer.from(values.buffer)]);
const whole = fileOf(numbers);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-growing-check-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function checkAt(name: string, announced: Buffer, start: Uint8Array): Promise<UpdateCheck> {
  const address = join(folder, name);
  await writeFile(address, start);
  const sha256 = createHash('sha256').update(announced).digest('hex');
  return { assignmentId: name, address, expected: { sizeBytes: announced.length, sha256, manifest } };
}

describe('GrowingCheck', () => {
  it('reads a file while it grows, in any steps, and finds it good', async () => {
    const check = await checkAt('good', whole, whole.subarray(0, 7));
    const growing = await GrowingCheck.begin(check, openFileBytes);
    let arrived = 7;
    for (const end of [7, 8, 1_048_580, 1_048_583, 2_500_000, whole.length]) {
      await appendFile(check.address, whole.subarray(arrived, end));
      arrived = end;
      await growing.advance(arrived);
    }
    expect(await growing.isOf(check)).toBe(true);
    await expect(growing.finish()).resolves.toBeUndefined();
    await growing.close();
  });

  it('goes on at a multiple of 4 KiB, so that no number is cut, however much has arrived', async () => {
    const check = await checkAt('in-steps', whole, whole);
    const positions: number[] = [];
    const growing = await GrowingCheck.begin(check, async (address) => {
      const source = await openFileBytes(address);
      const read: ByteSource['read'] = (position, bytes) => {
        positions.push(position);
        return source.read(position, bytes);
      };
      return { ...source, read };
    });
    for (const arrived of [1, 5000, 300_001, 1_048_583, 2_799_999]) await growing.advance(arrived);
    await expect(growing.finish()).resolves.toBeUndefined();
    expect(positions.every((position) => position % 4096 === 0)).toBe(true);
    await growing.close();
  });

  it('tells at the end of a number that is not finite, and that was found on the way', async () => {
    const spoilt = Float32Array.from(numbers);
    spoilt[1000] = NaN;
    const file = fileOf(spoilt);
    const check = await checkAt('not-finite', file, file);
    const growing = await GrowingCheck.begin(check, openFileBytes);
    await growing.advance(1_000_000);
    await expect(growing.finish()).rejects.toMatchObject({ code: 'UPDATE_NOT_FINITE' });
    await growing.close();
  });

  it('refuses another content than was announced', async () => {
    const other = fileOf(numbers.map((value) => -value));
    const check = await checkAt('other', whole, other);
    const growing = await GrowingCheck.begin(check, openFileBytes);
    await expect(growing.finish()).rejects.toMatchObject({ code: 'UPDATE_WRONG_HASH' });
    await growing.close();
  });

  it('knows that a file of the same name is another, and that another content was announced', async () => {
    const check = await checkAt('begun-anew', whole, whole.subarray(0, 100));
    const growing = await GrowingCheck.begin(check, openFileBytes);
    expect(await growing.isOf({ ...check, expected: { ...check.expected, sha256: '0'.repeat(64) } })).toBe(false);
    await writeFile(`${check.address}.new`, whole.subarray(0, 100));
    await rename(`${check.address}.new`, check.address);
    expect(await growing.isOf(check)).toBe(false);
    await growing.close();
  });
});
