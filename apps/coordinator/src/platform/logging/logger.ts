import { join } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import { destination, pino, type Logger } from 'pino';
import type { CoordinatorConfig } from '../config/coordinator-config.js';

/** Injection token of the pino logger. Fields: `runId`, `round`, `siteId`, `correlationId`; never a secret. */
export const LOGGER = Symbol('Logger');
export type { Logger };

const REDACTED_FIELDS = ['token', 'apiKey', 'accessToken', 'authorization', '*.token', '*.apiKey', '*.authorization'];

/** JSON lines on stderr, or in `<dataDir>/coordinator.log`. */
export function openLogger(config: CoordinatorConfig): Logger {
  const target = config.log.toFile ? join(config.dataDir, 'coordinator.log') : 2;
  return pino(
    { level: config.log.level, redact: REDACTED_FIELDS, base: { pid: process.pid } },
    destination({ dest: target, sync: true }),
  );
}

/** Nest's own messages in the same log: its start-up chatter as debug lines. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }

  error(message: unknown, ...details: unknown[]): void {
    this.logger.error({ context: details.at(-1) }, String(message));
  }
}
