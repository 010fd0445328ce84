import { Module } from '@nestjs/common';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { SiteInstallation } from '../config/site-installation.js';
import { SiteKey } from '../key-store/site-key.js';
import { AccessTokens } from './access-tokens.js';
import { BlobCache } from './blob-cache.js';
import { BlobDownload } from './blob-download.js';
import { CoordinatorHttp } from './coordinator-http.js';
import { CoordinatorSocket } from './coordinator-socket.js';
import { UpdateUpload } from './update-upload.js';

/** Everything that talks to the coordinator: control over a socket, weights over HTTP. Outbound connections only. */
@Module({
  imports: [KeyStoreModule],
  providers: [
    {
      provide: CoordinatorHttp,
      inject: [SiteInstallation],
      useFactory: ({ config }: SiteInstallation) => new CoordinatorHttp(config.url),
    },
    {
      provide: AccessTokens,
      inject: [CoordinatorHttp, SiteInstallation, SiteKey],
      useFactory: (http: CoordinatorHttp, { config }: SiteInstallation, key: SiteKey) =>
        new AccessTokens(http, config.siteId, key),
    },
    {
      provide: CoordinatorSocket,
      inject: [SiteInstallation, AccessTokens],
      useFactory: ({ config }: SiteInstallation, tokens: AccessTokens) => new CoordinatorSocket(config.url, tokens),
    },
    {
      provide: BlobCache,
      inject: [SiteInstallation, CoordinatorHttp, AccessTokens],
      useFactory: ({ paths, log }: SiteInstallation, http: CoordinatorHttp, tokens: AccessTokens) =>
        new BlobCache(paths.blobs, new BlobDownload(http, tokens), log),
    },
    {
      provide: UpdateUpload,
      inject: [CoordinatorHttp, AccessTokens],
      useFactory: (http: CoordinatorHttp, tokens: AccessTokens) => new UpdateUpload(http, tokens),
    },
  ],
  exports: [CoordinatorHttp, AccessTokens, CoordinatorSocket, BlobCache, UpdateUpload],
})
export class CoordinatorClientModule {}
