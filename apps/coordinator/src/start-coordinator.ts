import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { DynamicModule, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { MAX_JSON_BODY_BYTES, TributaryError } from '@tributary/protocol';
import { AppModule, type Ground } from './app.module.js';
import type { CoordinatorConfig } from './platform/config/coordinator-config.js';
import { ReplicatedSockets } from './gateway/replicated-sockets.js';
import { closeBlobs, openBlobs } from './platform/blobs/open-blobs.js';
import { lockDataDir } from './platform/data-dir/data-dir-lock.js';
import { initialiseSecrets } from './platform/data-dir/secrets.js';
import { openDatabase } from './platform/database/open-database.js';
import { assignCorrelationId } from './platform/errors/correlation.js';
import { errnoOf, isErrno } from './platform/errors/errno.js';
import { ProblemFilter } from './platform/errors/problem.filter.js';
import { requestValidation } from './platform/errors/request-validation.js';
import { NestLogger, openLogger } from './platform/logging/logger.js';
import { assertAgreement } from './platform/replicas/agreement.js';
import { announceLife } from './platform/replicas/instance.js';
import { describeApi } from './platform/openapi/api-description.js';

export interface RunningCoordinator {
  readonly url: string;
  /** Stops taking requests, finishes what runs, closes the database, gives the data folder back. */
  stop(): Promise<void>;
}

type Closer = () => void | Promise<void>;

/**
 * Opens the data folder and the database, and serves.
 *
 * @throws TributaryError DATA_DIR_NOT_WRITABLE, DATA_DIR_LOCKED, DATABASE_UNREACHABLE, DATABASE_MIGRATION_FAILED,
 *         BLOB_STORE_UNREACHABLE, BLOB_STORE_REFUSED, REPLICA_MISMATCH, PORT_IN_USE.
 */
export async function startCoordinator(config: CoordinatorConfig): Promise<RunningCoordinator> {
  makeDataDir(config);
  const { secrets } = initialiseSecrets(config.secretsDir);
  const closers: Closer[] = [lockDataDir(config.dataDir)];
  try {
    const logger = openLogger(config);
    const ground = { config, secrets, logger, ...(await openStores(config, closers)), instance: { id: randomUUID() } };
    await joinReplicas(ground);
    const app = await createApp(AppModule.on(ground), new NestLogger(logger));
    closers.push(() => app.close());
    configure(app, ground);
    const url = await listen(app, config);
    const { database, blobs, instance } = ground;
    logger.info({ url, database: database.kind, blobs: blobs.kind, instance: instance.id }, 'coordinator is ready');
    return { url, stop: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

function makeDataDir({ dataDir }: CoordinatorConfig): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new TributaryError('DATA_DIR_NOT_WRITABLE', { detail: errnoOf(error) }, { cause: error });
  }
}

async function openStores(config: CoordinatorConfig, closers: Closer[]): Promise<Pick<Ground, 'blobs' | 'database'>> {
  const blobs = await openBlobs(config);
  closers.push(() => closeBlobs(blobs));
  const database = await openDatabase(config);
  closers.push(() => database.close());
  return { blobs, database };
}

/** From here on the others on this database know that this one lives. */
async function joinReplicas({ database, instance, secrets, blobs }: Ground): Promise<void> {
  await announceLife(database.session, instance);
  if (database.kind === 'pglite') return;
  await assertAgreement(database.session, { secrets, storeId: await blobs.store.storeId() });
}

/** The options go through a type of their own: Nest declares a class there, but reads plain fields. */
function createApp(module: DynamicModule, logger: NestLogger): Promise<NestExpressApplication> {
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError' | 'forceCloseConnections'> = {
    logger,
    abortOnError: false,
    forceCloseConnections: true,
  };
  return NestFactory.create<NestExpressApplication>(module, options);
}

function configure(app: NestExpressApplication, { config, logger }: Ground): void {
  const filter = new ProblemFilter(logger);
  app.disable('x-powered-by');
  app.use(assignCorrelationId);
  app.use(describeApi(app, filter));
  app.useBodyParser('json', { limit: MAX_JSON_BODY_BYTES });
  app.useGlobalPipes(requestValidation());
  app.useGlobalFilters(filter);
  if (config.databaseUrl !== undefined) {
    app.useWebSocketAdapter(new ReplicatedSockets(app, config.databaseUrl, logger));
  }
}

async function listen(app: NestExpressApplication, { host, port }: CoordinatorConfig): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) {
      throw new TributaryError('PORT_IN_USE', { detail: `${host}:${port}`, port }, { cause: error });
    }
    throw error;
  }
  return (await app.getUrl()).replace('[::1]', 'localhost');
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeAll(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the coordinator did not close cleanly');
}
