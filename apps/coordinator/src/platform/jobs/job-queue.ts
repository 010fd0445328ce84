import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PgBoss } from 'pg-boss';
import { Database } from '../database/database.js';
import { LOGGER, type Logger } from '../logging/logger.js';

const SCHEMA = 'jobs';
/** Nothing that a round waits for goes through the queue, so it need not look often. */
const POLLING_SECONDS = 10;

/** A kind of work that is done now and then, by one replica at a time. */
export interface RecurringWork {
  readonly name: string;
  /** Five-field cron expression, UTC. */
  readonly cron: string;
  readonly run: () => Promise<void>;
}

/** pg-boss in the coordinator's own database: durable, shared by all replicas, no other server. */
@Injectable()
export class JobQueue implements OnApplicationShutdown {
  private readonly queue: PgBoss;
  private started: Promise<void> | undefined;

  constructor(
    database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.queue = openQueue(database);
    this.queue.on('error', (error) => this.logger.warn({ err: error }, 'the job queue met an error'));
  }

  /** Does the work at its times, from now on. */
  async every(work: RecurringWork): Promise<void> {
    this.started ??= this.queue.start().then(() => undefined);
    await this.started;
    await this.queue.createQueue(work.name, { retryLimit: 3, retryBackoff: true });
    await this.queue.work(work.name, { pollingIntervalSeconds: POLLING_SECONDS }, () => work.run());
    await this.queue.schedule(work.name, work.cron);
  }

  /** Jobs that wait or run, of all queues. */
  async depth(): Promise<number> {
    if (this.started === undefined) return 0;
    await this.started;
    const queues = await this.queue.getQueues();
    return queues.reduce((sum, { queuedCount, activeCount }) => sum + queuedCount + activeCount, 0);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.started?.catch(() => undefined);
    if (this.started !== undefined) await this.queue.stop({ graceful: false });
  }
}

/** Creates the queue's tables; part of the seed database. */
export async function prepareJobQueue(database: Database): Promise<void> {
  const queue = openQueue(database);
  await queue.start();
  await queue.stop({ graceful: false });
}

function openQueue(database: Database): PgBoss {
  return new PgBoss({
    db: { executeSql: (text, values) => database.executeSql(text, values) },
    backend: database.kind,
    schema: SCHEMA,
  });
}
