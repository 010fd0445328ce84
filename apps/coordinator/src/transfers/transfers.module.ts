import { Module } from '@nestjs/common';
import { EvaluationModule } from '../evaluation/evaluation.module.js';
import { ModelsModule } from '../models/models.module.js';
import { RunsModule } from '../runs/runs.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { UpdateThreadModule } from '../update-thread/update-thread.module.js';
import { BlobAccessService } from './blob-access.service.js';
import { BlobsController } from './blobs.controller.js';
import { ReceivedUpdatesService } from './received-updates.service.js';
import { UpdateCheckService } from './update-check.service.js';
import { UploadsController } from './uploads.controller.js';
import { BLOBS } from '../platform/blobs/open-blobs.js';
import { openUploadStore } from './open-upload-store.js';
import { ReplicaLocks } from '../platform/replicas/replica-locks.js';
import { UploadAppend } from './upload-append.js';
import { UploadLocker } from './upload-locker.js';
import { UploadStore } from './upload-store.js';
import { UploadsService } from './uploads.service.js';
import { WeightsController } from './weights.controller.js';
import { WeightsUploadsService } from './weights-uploads.service.js';

@Module({
  imports: [RunsModule, ModelsModule, EvaluationModule, StorageModule, UpdateThreadModule],
  controllers: [BlobsController, UploadsController, WeightsController],
  providers: [
    BlobAccessService,
    ReceivedUpdatesService,
    UpdateCheckService,
    UploadsService,
    WeightsUploadsService,
    {
      provide: UploadAppend,
      inject: [UploadStore, ReplicaLocks],
      useFactory: (store: UploadStore, locks: ReplicaLocks) => new UploadAppend(store, new UploadLocker(locks)),
    },
    { provide: UploadStore, inject: [BLOBS], useFactory: openUploadStore },
  ],
  exports: [UploadsService],
})
export class TransfersModule {}
