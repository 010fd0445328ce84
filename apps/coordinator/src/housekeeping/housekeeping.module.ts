import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { TransfersModule } from '../transfers/transfers.module.js';
import { HousekeepingService } from './housekeeping.service.js';

@Module({ imports: [StorageModule, TransfersModule], providers: [HousekeepingService] })
export class HousekeepingModule {}
