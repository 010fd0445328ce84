import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';

const PACKAGE = '@sparticuz/chromium@147.0.2';
const LIBRARIES = ['libvk_swiftshader.so', 'libvulkan.so.1'];
const BLOCK_BYTES = 512;
const folder = join(import.meta.dirname, '../../node_modules/.cache/software-gpu');

/**
 * SwiftShader, a GPU in software, and a Vulkan loader, out of an npm package that brings them for a browser.
 *
 * @returns The environment variables that make a process see it, or why it cannot be had here.
 */
export async function softwareGpu(): Promise<Record<string, string> | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the software GPU is built for Linux on x64 only';
  const description = join(folder, 'driver.json');
  try {
    if (!existsSync(description)) await install(description);
  } catch (error) {
    return `the npm package ${PACKAGE} could not be installed: ${error instanceof Error ? error.message : ''}`;
  }
  return { LD_LIBRARY_PATH: folder, VK_DRIVER_FILES: description, VK_ICD_FILENAMES: description };
}

async function install(description: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const words = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--omit=optional', PACKAGE];
  await promisify(execFile)('npm', words);
  const archive = join(folder, 'node_modules/@sparticuz/chromium/bin/swiftshader.tar.br');
  for (const [name, content] of filesOfTar(brotliDecompressSync(await readFile(archive)))) {
    if (LIBRARIES.includes(name)) await writeFile(join(folder, name), content, { mode: 0o755 });
  }
  const driver = { library_path: join(folder, 'libvk_swiftshader.so'), api_version: '1.1.0' };
  await writeFile(description, JSON.stringify({ file_format_version: '1.0.0', ICD: driver }));
}

/** Names without folders and contents (POSIX.1-1988 tar: name at 0, size in octal at 124, content in blocks of 512). */
function* filesOfTar(tar: Buffer): Generator<[name: string, content: Buffer]> {
  for (let offset = 0; offset + BLOCK_BYTES <= tar.length;) {
    const name = tar.toString('latin1', offset, offset + 100).replace(/\0.*$/s, '');
    if (name === '') return;
    const sizeBytes = parseInt(tar.toString('latin1', offset + 124, offset + 136), 8);
    const begin = offset + BLOCK_BYTES;
    yield [basename(name), tar.subarray(begin, begin + sizeBytes)];
    offset = begin + BLOCK_BYTES * Math.ceil(sizeBytes / BLOCK_BYTES);
  }
}
