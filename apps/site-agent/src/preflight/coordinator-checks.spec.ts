import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sitePaths } from '../agent/config/site-paths.js';
import {
  sendJson,
  startTestCoordinator,
  type TestCoordinator,
} from '../agent/coordinator-client/test-coordinator.spec-support.js';
import { runCheck, type CheckResult } from './check.js';
import { coordinatorChecks } from './coordinator-checks.js';
import { enrolledSite } from './enrolled-site.spec-support.js';

describe('what preflight finds at the coordinator', () => {
  let folder: string;
  let coordinator: TestCoordinator;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflight-'));
    coordinator = await startTestCoordinator((_request, response) => sendJson(response, 200, {}));
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  async function look(name: string, root = folder): Promise<CheckResult> {
    const config = await enrolledSite(folder, { url: coordinator.url, imagesDirectory: folder });
    const check = coordinatorChecks(config, sitePaths(root)).find((one) => one.name === name);
    if (check === undefined) throw new Error(`there is no check ${name}`);
    return runCheck(check);
  }

  it.each(['coordinator', 'tls', 'clock', 'approval'])(
    'has nothing to say against the %s of a good one',
    async (name) => {
      expect(await look(name)).toMatchObject({ ok: true, fix: '' });
    },
  );

  it('lets a site start that is not approved yet, and names the fingerprint that the admin compares', async () => {
    coordinator.refusal = { status: 403, code: 'SITE_NOT_APPROVED' };
    expect(await look('approval')).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/not approved yet.*SHA256:/),
    });
  });

  it('tells a revoked site', async () => {
    coordinator.refusal = { status: 403, code: 'SITE_REVOKED' };
    expect(await look('approval')).toMatchObject({
      ok: false,
      detail: 'this site has been revoked',
      fix: 'Ask the admin.',
    });
  });

  it('points at the key where there is none', async () => {
    expect(await look('approval', join(folder, 'gone'))).toMatchObject({ ok: false, fix: 'See key.' });
  });
});
