import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { SOFTWARE_VERSION } from './software-version.js';

describe('the version that records are marked with', () => {
  it.each(['../package.json', '../../../package.json'])('is that of %s', (file) => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')));
    expect(SOFTWARE_VERSION).toBe(version);
  });
});
