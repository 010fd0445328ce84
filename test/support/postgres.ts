import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, freePort } from './processes.js';

const INSTALLATIONS = '/usr/lib/postgresql';
const SERVER_USER = 'postgres';

/** A private PostgreSQL cluster in a temporary folder, on a free port of this machine. */
export interface PostgresCluster {
  /** URL of a fresh, empty database. */
  createDatabase(name: string): string;
  /** Process id of the server that the others are children of. */
  pid(): number;
  /** Starts the server again after it was killed; it recovers from its log. */
  restart(): Promise<void>;
  stop(): void;
}

/**
 * Starts a cluster from Debian's binaries; PostgreSQL refuses to run as root, so root runs it as user `postgres`.
 *
 * @throws Error with what to install when there are no binaries.
 */
export async function startPostgres(): Promise<PostgresCluster> {
  const binaries = newestBinaries();
  const folder = mkdtempSync(join(tmpdir(), 'tributary-postgres-'));
  chmodSync(folder, 0o755);
  const owner = serverUser();
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const run = (program: string, args: string[]): void => {
    const result = spawnSync(join(binaries, program), args, { encoding: 'utf8', cwd: folder, ...(owner ?? {}) });
    if (result.status !== 0) throw new Error(`${program} failed: ${result.stderr}${result.stdout}`);
  };
  const data = join(folder, 'data');
  const port = await freePort();
  run('initdb', ['-D', data, '-A', 'trust', '-U', SERVER_USER, '--no-sync']);
  const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`;
  const start = ['-D', data, '-o', settings, '-l', join(folder, 'log'), '-w', 'start'];
  run('pg_ctl', start);
  return {
    createDatabase: (name) => {
      run('createdb', ['-h', '127.0.0.1', '-p', String(port), '-U', SERVER_USER, name]);
      return `postgresql://${SERVER_USER}@127.0.0.1:${port}/${name}`;
    },
    pid: () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]),
    restart: async () => {
      // Children of the killed server hold its shared memory for a moment; until they are gone a new one refuses to start.
      await eventually('PostgreSQL starts again', async () => {
        await promisify(execFile)(join(binaries, 'pg_ctl'), start, { cwd: folder, ...(owner ?? {}) });
        return true;
      });
    },
    stop: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function newestBinaries(): string {
  const versions = existsSync(INSTALLATIONS) ? readdirSync(INSTALLATIONS).map(Number).filter(Number.isInteger) : [];
  if (versions.length === 0) {
    throw new Error(
      'PostgreSQL is not installed (apt-get install postgresql), or set TRIBUTARY_SKIP_POSTGRES=1 to leave these tests out',
    );
  }
  return join(INSTALLATIONS, String(Math.max(...versions)), 'bin');
}

function serverUser(): { uid: number; gid: number } | null {
  if (userInfo().uid !== 0) return null;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${SERVER_USER}:`));
  const [, , uid, gid] = entry?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
