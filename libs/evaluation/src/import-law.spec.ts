import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const IMPORT = /\b(?:from |import |import\()'([^'\n]+)'/g;
const libs = join(import.meta.dirname, '..', '..');

/** The source file that an import of ours means; undefined for a package from outside. */
function sourceOf(specifier: string, importer: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier.replace(/\.js$/, '.ts'));
  const [, lib, path] = /^@tributary\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  return lib === undefined ? undefined : join(libs, lib, 'src', `${path ?? 'index'}.ts`);
}

/** Names of all packages from outside that loading `entry` can load, types included. */
function packagesBehind(entry: string): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const pending = [entry];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const source = sourceOf(specifier, file);
      if (source === undefined) packages.add(specifier);
      else pending.push(source);
    }
  }
  return packages;
}

describe('import law of the scores', () => {
  it('reaches no tensor engine from the root index, so the coordinator can load it', () => {
    const packages = packagesBehind(join(import.meta.dirname, 'index.ts'));
    expect([...packages].filter((name) => !name.startsWith('node:')).sort()).toEqual(['ml-matrix', 'zod']);
  });

  it('would notice one', () => {
    expect(packagesBehind(join(import.meta.dirname, 'extractor.ts'))).toContain('@tensorflow/tfjs-core');
  });
});
