import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { enrolmentRequestSchema } from '@tributary/protocol';
import { loadSiteConfig } from '../agent/config/site-config.js';
import { sitePaths, type SitePaths } from '../agent/config/site-paths.js';
import {
  sendJson,
  sendProblem,
  startTestCoordinator,
  type TestCoordinator,
} from '../agent/coordinator-client/test-coordinator.spec-support.js';
import { parseCommandLine } from './arguments.js';
import { enroll } from './enroll.js';
import { CommandOutput } from './output.js';

const TOKEN = 'tbi_0123456789abcdefghij';

/** Takes each token once, for `site-a`, as the coordinator does. */
class Invitations {
  readonly keys: string[] = [];

  handle = (_request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const { token, publicKey, signature } = enrolmentRequestSchema.parse(JSON.parse(body.toString()));
    const raw = Buffer.from(publicKey, 'base64');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
    const proven = verify(null, Buffer.from(`tributary-enrol:${token}`), key, Buffer.from(signature, 'base64'));
    if (!proven) {
      sendProblem(response, 400, 'ENROL_KEY_INVALID');
    } else if (this.keys.some((other) => other !== publicKey)) {
      sendProblem(response, 409, 'ENROL_TOKEN_USED');
    } else {
      this.keys.push(publicKey);
      const fingerprint = `SHA256:${createHash('sha256').update(raw).digest('base64').slice(0, 43)}`;
      sendJson(response, 200, { siteId: 'site-a', studyId: 'brains', fingerprint, state: 'pending' });
    }
  };
}

describe('enroll', () => {
  let folder: string;
  let paths: SitePaths;
  let coordinator: TestCoordinator;
  let invitations: Invitations;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enroll-'));
    paths = sitePaths(join(folder, 'site'));
    invitations = new Invitations();
    coordinator = await startTestCoordinator(invitations.handle);
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  async function run(to: SitePaths, ...words: string[]): Promise<unknown> {
    const commandLine = parseCommandLine(['enroll', '--data-dir', to.root, ...words]);
    if (commandLine === 'help') throw new Error('expected a verb');
    const documents: unknown[] = [];
    const output = new CommandOutput('json', (text) => documents.push(JSON.parse(text)));
    await enroll(to, commandLine.flags, output);
    return documents[0];
  }
  const config = () => loadSiteConfig(paths);

  it('keeps what the coordinator answered, and says the fingerprint', async () => {
    const answer = await run(paths, '--url', coordinator.url, '--token', TOKEN, '--threads', '2');
    expect(answer).toMatchObject({
      siteId: 'site-a',
      state: 'pending',
      fingerprint: expect.stringMatching(/^SHA256:/),
    });
    expect(await config()).toMatchObject({
      siteId: 'site-a',
      imagesDirectory: null,
      engine: { name: 'auto', threads: 2 },
    });
    expect(await readFile(paths.policyFile, 'utf8')).toContain('approval: ask');
  });

  it('goes on with the same key when it was interrupted before it could keep the answer', async () => {
    const first = await run(paths, '--url', coordinator.url, '--token', TOKEN);
    await rm(paths.configFile);
    expect(await run(paths, '--url', coordinator.url, '--token', TOKEN)).toEqual(first);
    expect(new Set(invitations.keys).size).toBe(1);
  });

  it('changes settings of an enrolled site without a token and without asking anybody', async () => {
    await run(paths, '--url', coordinator.url, '--token', TOKEN);
    await coordinator.close();
    expect(await run(paths, '--images', folder)).toMatchObject({ siteId: 'site-a', state: 'enrolled' });
    expect(await config()).toMatchObject({ imagesDirectory: folder });
  });

  it('refuses a folder of images that is not there, before the token is spent', async () => {
    const misspelt = run(paths, '--url', coordinator.url, '--token', TOKEN, '--images', join(folder, 'mir'));
    await expect(misspelt).rejects.toMatchObject({
      code: 'USAGE_INVALID',
      message: expect.stringContaining('--images'),
    });
    expect(invitations.keys.length).toBe(0);
    expect(await config()).toBeUndefined();
  });

  it('refuses a token that somebody else has used, and enrols nothing', async () => {
    await run(paths, '--url', coordinator.url, '--token', TOKEN);
    const other = sitePaths(join(folder, 'other'));
    await expect(run(other, '--url', coordinator.url, '--token', TOKEN)).rejects.toMatchObject({
      code: 'ENROL_TOKEN_USED',
    });
    await expect(readFile(other.configFile)).rejects.toThrow();
  });

  it.each([
    [['--token', TOKEN], 'USAGE_INVALID'],
    [['--url', 'http://127.0.0.1:9'], 'USAGE_INVALID'],
    [['--url', 'http://127.0.0.1:9', '--token', TOKEN], 'COORDINATOR_UNREACHABLE'],
  ])('refuses %j with a code', async (words, code) => {
    await expect(run(paths, ...words)).rejects.toMatchObject({ code });
  });

  it('does not give a folder to another coordinator', async () => {
    await run(paths, '--url', coordinator.url, '--token', TOKEN);
    await expect(run(paths, '--url', 'https://elsewhere.example')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});
