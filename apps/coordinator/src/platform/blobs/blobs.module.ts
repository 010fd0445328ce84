import { Global, Module, type DynamicModule } from '@nestjs/common';
import { BlobStore } from './blob-store.js';
import { BLOBS, type Blobs } from './open-blobs.js';

@Global()
@Module({})
export class BlobsModule {
  static with(blobs: Blobs): DynamicModule {
    return {
      module: BlobsModule,
      providers: [
        { provide: BLOBS, useValue: blobs },
        { provide: BlobStore, useValue: blobs.store },
      ],
      exports: [BLOBS, BlobStore],
    };
  }
}
