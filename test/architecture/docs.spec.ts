import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '@tributary/protocol';

const root = resolve(import.meta.dirname, '../..');

function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', '.git', 'demo-out'].includes(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('the documentation', () => {
  it.each(markdownFiles('.'))('%s links only to what exists', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^[a-z]+:/.test(target));
    const missing = targets.filter((target) => !existsSync(resolve(root, dirname(file), target)));
    expect(missing).toEqual([]);
  });

  it('has every page that a remedy names', () => {
    const named = Object.values(ERRORS).flatMap(({ remedy }) =>
      [...remedy.matchAll(/docs\/[a-z-]+\.md/g)].map((match) => match[0]),
    );
    expect(named.filter((page) => !existsSync(join(root, page)))).toEqual([]);
  });
});
