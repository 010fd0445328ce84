import { PgBoss } from 'pg-boss';
import type { Database } from '../database/database.js';

const POLLING_SECONDS = 5;

/** pg-boss in the coordinator's own database: durable jobs without another server. */
export function openJobQueue(database: Database): PgBoss {
  return new PgBoss({
    db: { executeSql: (text, values) => database.executeSql(text, values) },
    backend: database.kind,
    schema: 'jobs',
  });
}

/** Creates the queue's tables; part of the seed database. */
export async function prepareJobQueue(database: Database): Promise<void> {
  const queue = openJobQueue(database);
  await queue.start();
  await queue.stop({ graceful: false });
}

export const WORK_OPTIONS = { pollingIntervalSeconds: POLLING_SECONDS } as const;
