import { Module } from '@nestjs/common';
import { TransfersModule } from '../transfers/transfers.module.js';
import { HousekeepingService } from './housekeeping.service.js';

@Module({ imports: [TransfersModule], providers: [HousekeepingService] })
export class HousekeepingModule {}
