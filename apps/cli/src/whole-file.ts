import { rename, writeFile } from 'node:fs/promises';

/** Writes a file so that it is there whole or not at all. */
export async function writeWholeFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  await writeFile(`${path}.part`, content, options);
  await rename(`${path}.part`, path);
}
