import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, root } from './processes.js';

/** Where `.ci/run` builds it; a copy on the PATH does as well. */
const BUILT = join(root, '.tributary/bin/versitygw');
const ACCESS_KEY = 'tributary-test';
const SECRET_KEY = 'tributary-test-secret';

/** A private S3 server on a free port of this machine. */
export interface S3Server {
  readonly endpoint: string;
  /** Settings that point a coordinator at a fresh bucket of it. */
  fresh(): NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** The S3 server program; null, with the reason on stderr, where it was not built. */
export function s3Program(): string | null {
  const program = existsSync(BUILT) ? BUILT : 'versitygw';
  if (spawnSync(program, ['--version']).status === 0) return program;
  process.stderr.write(
    'no S3 server (versitygw) is built here, S3 is not tested: scripts/build-test-servers.sh needs Go\n',
  );
  return null;
}

/** Starts Versity's S3 gateway on a temporary folder. */
export async function startS3Server(program: string): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-s3-'));
  const data = join(folder, 'data');
  const sidecar = join(folder, 'sidecar');
  for (const path of [data, sidecar]) mkdirSync(path);
  const port = await freePort();
  const child = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', sidecar, data], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const endpoint = `http://127.0.0.1:${port}`;
  await eventually('the S3 server answers', async () => ((await fetch(endpoint)).status > 0 ? true : undefined));
  let made = 0;
  return {
    endpoint,
    fresh: () => {
      const bucket = `bucket-${++made}`;
      mkdirSync(join(data, bucket));
      return {
        TRIBUTARY_S3_BUCKET: bucket,
        TRIBUTARY_S3_ENDPOINT: endpoint,
        AWS_ACCESS_KEY_ID: ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      };
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
