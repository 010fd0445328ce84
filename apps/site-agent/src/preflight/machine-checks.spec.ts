import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sitePaths } from '../agent/config/site-paths.js';
import { openSiteKey } from '../agent/key-store/site-key.js';
import { runCheck } from './check.js';
import { enrolledSite } from './enrolled-site.spec-support.js';
import { machineChecks } from './machine-checks.js';

describe('what preflight finds on the machine', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflight-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function look(name: string, root = folder) {
    const place = { url: 'https://coordinator.example', imagesDirectory: join(folder, 'Miller_Anna') };
    const config = await enrolledSite(folder, place);
    const check = machineChecks(config, sitePaths(root)).find((one) => one.name === name);
    if (check === undefined) throw new Error(`there is no check ${name}`);
    return runCheck(check);
  }

  it('finds the key of the enrolled site', async () => {
    expect(await look('key')).toMatchObject({ ok: true, detail: expect.stringContaining('SHA256:') });
  });

  it.each(['missing', 'of another site', 'no key'])('asks for the key where it is %s', async (wrong) => {
    const other = join(folder, 'other');
    if (wrong === 'of another site') await openSiteKey(sitePaths(other).keyFile);
    if (wrong === 'no key') {
      await openSiteKey(sitePaths(other).keyFile);
      await writeFile(sitePaths(other).keyFile, 'junk');
    }
    expect(await look('key', other)).toMatchObject({ ok: false, fix: expect.stringContaining('new data folder') });
  });

  it('asks for rights where the data folder cannot be written', async () => {
    expect(await look('disk', join(folder, 'gone'))).toMatchObject({
      ok: false,
      detail: 'the data folder cannot be written',
    });
  });

  it('never names the folder of the images', async () => {
    expect(JSON.stringify(await look('images'))).not.toContain('Miller');
  });
});
