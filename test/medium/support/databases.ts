import { startPostgres, type PostgresCluster } from '../../support/postgres.js';

/** Makes empty databases, one for each consortium. */
export interface OpenDatabases {
  /** Settings that point a coordinator at a fresh one. */
  fresh(): NodeJS.ProcessEnv;
  close(): void;
}

/** A database that the same suite runs on. */
export interface DatabaseCase {
  readonly name: string;
  open(): Promise<OpenDatabases>;
}

const EMBEDDED: DatabaseCase = {
  name: 'the embedded database',
  open: () => Promise.resolve({ fresh: () => ({ DATABASE_URL: undefined }), close: () => undefined }),
};

const POSTGRES: DatabaseCase = {
  name: 'PostgreSQL',
  async open() {
    const cluster: PostgresCluster = await startPostgres();
    let made = 0;
    return {
      fresh: () => ({ DATABASE_URL: cluster.createDatabase(`tributary_${++made}`) }),
      close: () => cluster.stop(),
    };
  },
};

/** Both databases; PostgreSQL is left out only when TRIBUTARY_SKIP_POSTGRES=1 says so, and that is said. */
export function databaseCases(): DatabaseCase[] {
  if (process.env.TRIBUTARY_SKIP_POSTGRES !== '1') return [EMBEDDED, POSTGRES];
  process.stderr.write('PostgreSQL is left out: TRIBUTARY_SKIP_POSTGRES=1\n');
  return [EMBEDDED];
}
