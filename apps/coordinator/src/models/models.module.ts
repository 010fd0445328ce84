import { Module } from '@nestjs/common';
import { ModelCatalogueService } from './model-catalogue.service.js';
import { ModelVersionRepository } from './model-version.repository.js';
import { ModelsController } from './models.controller.js';
import { ReleaseRepository } from './release.repository.js';
import { ReleaseService } from './release.service.js';
import { StorageModule } from '../storage/storage.module.js';
import { VersionsService } from './versions.service.js';

@Module({
  imports: [StorageModule],
  controllers: [ModelsController],
  providers: [ModelCatalogueService, VersionsService, ReleaseService, ModelVersionRepository, ReleaseRepository],
  exports: [ModelCatalogueService, VersionsService, ReleaseService],
})
export class ModelsModule {}
