import type { ServerResponse } from 'node:http';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { TributaryError, sha256Schema } from '@tributary/protocol';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { BlobAccessService } from './blob-access.service.js';

const IMMUTABLE = 'private, max-age=31536000, immutable';
const RANGE_NOT_SATISFIABLE = 416;

/** The part of Express's response that sends files: ranges, conditional requests, HEAD. */
interface FileResponse extends ServerResponse {
  sendFile(
    path: string,
    options: { cacheControl: boolean; etag: boolean; lastModified: boolean; headers: Record<string, string> },
    callback: (error?: Error & { status?: number }) => void,
  ): void;
}

@ApiTags('transfers')
@Controller('v1/blobs')
export class BlobsController {
  constructor(private readonly access: BlobAccessService) {}

  /** A content-addressed file: ranged, immutable, its hash is its ETag. */
  @Get(':sha256')
  @Allow('admin', 'researcher', 'site')
  async download(
    @Param('sha256', { schema: sha256Schema }) sha256: string,
    @Caller() caller: Principal,
    @Res() response: FileResponse,
  ): Promise<void> {
    const path = await this.access.pathFor(sha256, caller);
    const headers = { 'content-type': 'application/octet-stream', 'cache-control': IMMUTABLE, etag: `"${sha256}"` };
    await new Promise<void>((resolve, reject) => {
      response.sendFile(path, { cacheControl: false, etag: false, lastModified: false, headers }, (error) => {
        if (error === undefined) resolve();
        else if (error.status === RANGE_NOT_SATISFIABLE) reject(new TributaryError('BLOB_RANGE_INVALID'));
        // The receiver hung up: it asks again for the rest.
        else if (response.headersSent) resolve();
        else reject(error);
      });
    });
  }
}
