import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/postgres-adapter';
import type pg from 'pg';
import type { Logger } from '../platform/logging/logger.js';
import { openNotificationPool } from './notification-pool.js';

/** Socket.IO over all replicas: what one tells a site reaches the socket that another holds, through PostgreSQL. */
export class ReplicatedSockets extends IoAdapter {
  private readonly pool: pg.Pool;
  private server: ReturnType<IoAdapter['createIOServer']> | undefined;

  constructor(
    app: INestApplicationContext,
    databaseUrl: string,
    private readonly log: Logger,
  ) {
    super(app);
    this.pool = openNotificationPool(databaseUrl);
  }

  override createIOServer(...args: Parameters<IoAdapter['createIOServer']>): ReturnType<IoAdapter['createIOServer']> {
    const server = super.createIOServer(...args);
    const errorHandler = (error: Error): void => this.log.warn({ err: error }, 'a hint to another replica was lost');
    server.adapter(createAdapter(this.pool, { errorHandler }));
    this.server = server;
    return server;
  }

  override async dispose(): Promise<void> {
    // Gives the connection back that it listens on; without that the pool would not end.
    await this.server?.of('/').adapter.close();
    await this.pool.end();
  }
}
