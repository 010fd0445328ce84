import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodePng } from '../picture/png.js';

/** Writes the files into a new folder, gives it to `use`, and removes it. */
export async function withFolder<T>(
  files: Readonly<Record<string, string | Uint8Array>>,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-imaging-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    }
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A square grey PNG that differs from that of any other seed. */
export function testPng(seed: number, sizePx = 8): Buffer {
  const pixels = Uint8Array.from(
    { length: sizePx * sizePx },
    (_, index) => (index * 7 + seed * 31 + (index % 5) * seed) % 256,
  );
  return encodePng({ widthPx: sizePx, heightPx: sizePx, channels: 1, pixels });
}
