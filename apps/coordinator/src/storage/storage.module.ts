import { Module } from '@nestjs/common';
import { BlobReferences } from './blob-references.service.js';
import { FreeSpaceService } from './free-space.service.js';
import { RetentionRepository } from './retention.repository.js';
import { RetentionService } from './retention.service.js';
import { StorageRepository } from './storage.repository.js';
import { UnreferencedBlobsService } from './unreferenced-blobs.service.js';

@Module({
  providers: [
    BlobReferences,
    FreeSpaceService,
    RetentionRepository,
    RetentionService,
    StorageRepository,
    UnreferencedBlobsService,
  ],
  exports: [BlobReferences, FreeSpaceService, RetentionService, UnreferencedBlobsService],
})
export class StorageModule {}
