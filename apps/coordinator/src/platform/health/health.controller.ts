import { Controller, Get, Module } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { Anonymous } from '../access/access.js';
import { Database } from '../database/database.js';

@Controller('health')
export class HealthController {
  constructor(private readonly database: Database) {}

  /** The process answers. */
  @Anonymous()
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The database answers too: requests can be served. */
  @Anonymous()
  @Get('ready')
  async ready(): Promise<{ status: 'ok'; database: string }> {
    try {
      await this.database.ping();
    } catch (error) {
      throw new TributaryError('SERVICE_NOT_READY', { detail: 'the database does not answer' }, { cause: error });
    }
    return { status: 'ok', database: this.database.kind };
  }
}

@Module({ controllers: [HealthController] })
export class HealthModule {}
