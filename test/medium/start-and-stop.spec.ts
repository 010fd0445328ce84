import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './support/api.js';
import { CoordinatorProcess } from './support/coordinator-process.js';

jest.setTimeout(120_000);

describe('the coordinator command', () => {
  let folder: string;
  let coordinator: CoordinatorProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-start-'));
    coordinator = new CoordinatorProcess(join(folder, 'data'));
    await coordinator.start();
  });
  afterAll(async () => {
    await coordinator.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes the admin key once, readable by its owner only', async () => {
    const twice = [await coordinator.output(['init']), await coordinator.output(['init'])];
    expect(twice[0]).toBe(twice[1]);
    expect(statSync(join(coordinator.dataDir, 'secrets', 'admin-key')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second coordinator on its data folder', async () => {
    expect(await coordinator.failure(['start', '--port', '0'])).toEqual({ exitCode: 1, code: 'DATA_DIR_LOCKED' });
  });

  it('refuses a port that is in use, a database that is away, a folder that is a file, and unknown flags', async () => {
    const other = (environment: NodeJS.ProcessEnv = {}) => new CoordinatorProcess(join(folder, 'other'), environment);
    const { port } = new URL(coordinator.url);
    expect(await other().failure(['start', '--port', port])).toEqual({ exitCode: 1, code: 'PORT_IN_USE' });
    const away = { DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/none' };
    expect(await other(away).failure(['start'])).toEqual({ exitCode: 5, code: 'DATABASE_UNREACHABLE' });
    expect(await other({ DATABASE_URL: 'nonsense' }).failure(['start'])).toEqual({
      exitCode: 2,
      code: 'CONFIG_INVALID',
    });
    expect(await other().failure(['start', '--colour', 'blue'])).toEqual({ exitCode: 2, code: 'USAGE_INVALID' });
    writeFileSync(join(folder, 'file'), '');
    const onFile = new CoordinatorProcess(join(folder, 'file'));
    expect(await onFile.failure(['init'])).toEqual({ exitCode: 1, code: 'DATA_DIR_NOT_WRITABLE' });
  });

  it('answers health without credentials and describes its interface', async () => {
    const anyone = new Api(coordinator.url);
    expect((await anyone.fetch('/health/live')).status).toBe(200);
    expect(await (await anyone.fetch('/health/ready')).json()).toEqual({ status: 'ok', database: 'pglite' });
    const description = JSON.stringify(await (await anyone.fetch('/docs-json')).json());
    for (const route of ['/v1/runs/{id}/events', '/v1/uploads', '/v1/enrolment']) expect(description).toContain(route);
    expect(await (await anyone.fetch('/docs')).text()).toContain('swagger-ui');
    expect((await anyone.fetch('/docs/no-such-page')).status).toBe(404);
  });

  it('starts again after a kill, and stops cleanly on SIGTERM', async () => {
    await coordinator.kill();
    await coordinator.start();
    expect((await new Api(coordinator.url).fetch('/health/ready')).status).toBe(200);
    expect(await coordinator.stop()).toBe(0);
    await coordinator.start();
  });
});
