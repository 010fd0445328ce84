import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { unpackWheel } from './unpack-wheel.js';

interface Member {
  readonly name: string;
  readonly content: Buffer;
  readonly isStored?: boolean;
}

/** A ZIP archive, written from the format's description (PKWARE APPNOTE 6.3.10). */
function archive(members: readonly Member[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, isStored = false } of members) {
    const data = isStored ? content : deflateRawSync(content);
    const sizes = Buffer.alloc(16);
    sizes.writeUInt32LE(crc32(content), 0);
    sizes.writeUInt32LE(data.length, 4);
    sizes.writeUInt32LE(content.length, 8);
    sizes.writeUInt16LE(Buffer.byteLength(name), 12);
    const start = Buffer.from([20, 0, 0, 0, isStored ? 0 : 8, 0, 0, 0, 0, 0]);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), start, sizes, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const central = Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), start, sizes, tail]);
    directory.push(central, Buffer.from(name));
    files.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, entries, end]);
}

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tributary-wheel-'));
}

describe('unpacking a wheel', () => {
  it('writes the files that have a place, deflated or stored, and no others', async () => {
    const folder = await temporaryFolder();
    const large = Buffer.alloc(3_000_000, 'header ');
    const members = [
      { name: 'a/lib.so', content: large },
      { name: 'a/empty.h', content: Buffer.alloc(0), isStored: true },
      { name: 'a/stored.h', content: Buffer.from('stored'), isStored: true },
      { name: 'b/unwanted.py', content: Buffer.from('x = 1') },
    ];
    await writeFile(join(folder, 'x.whl'), archive(members));
    const place = (name: string) => (name.startsWith('a/') ? `out/${name.slice(2)}` : undefined);
    expect(await unpackWheel(join(folder, 'x.whl'), folder, place)).toBe(3);
    expect((await readFile(join(folder, 'out/lib.so'))).equals(large)).toBe(true);
    expect(await readFile(join(folder, 'out/stored.h'), 'utf8')).toBe('stored');
    expect(await readFile(join(folder, 'out/empty.h'), 'utf8')).toBe('');
    await expect(readFile(join(folder, 'out/unwanted.py'))).rejects.toThrow('ENOENT');
  });

  it('refuses what is no archive and what was cut off', async () => {
    const folder = await temporaryFolder();
    const whole = archive([{ name: 'a', content: Buffer.from('content of a') }]);
    for (const content of [Buffer.from('no archive at all'), whole.subarray(0, -30)]) {
      await writeFile(join(folder, 'x.whl'), content);
      await expect(unpackWheel(join(folder, 'x.whl'), folder, (name) => name)).rejects.toMatchObject({
        code: 'ENGINE_WHEEL_MISMATCH',
      });
    }
  });
});
