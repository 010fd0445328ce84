import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import {
  ASSIGNMENT_HEADER,
  TributaryError,
  downloadHeadersSchema,
  parseOrThrow,
  sha256Schema,
} from '@tributary/protocol';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { BlobStore, type ByteRange } from '../platform/blobs/blob-store.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { DownloadsService } from '../runs/assignments/downloads.service.js';
import { BlobAccessService } from './blob-access.service.js';
import { downloadOf } from './download.js';

const IMMUTABLE = 'private, max-age=31536000, immutable';

@Controller('v1/blobs')
export class BlobsController {
  constructor(
    private readonly access: BlobAccessService,
    private readonly blobs: BlobStore,
    private readonly downloads: DownloadsService,
    private readonly metrics: Metrics,
  ) {}

  /** A content-addressed file: ranged, immutable, its hash is its ETag. */
  @Get(':sha256')
  @Allow('admin', 'researcher', 'site')
  async download(
    @Param('sha256', { schema: sha256Schema }) sha256: string,
    @Caller() caller: Principal,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const headers = parseOrThrow(downloadHeadersSchema, request.headers, 'REQUEST_INVALID');
    const sizeBytes = await this.access.sizeFor(sha256, caller);
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('cache-control', IMMUTABLE);
    response.setHeader('etag', `"${sha256}"`);
    const download = downloadOf(request.headers, { sha256, sizeBytes });
    if (download.kind === 'outside') {
      response.setHeader('content-range', `bytes */${sizeBytes}`);
      throw new TributaryError('BLOB_RANGE_INVALID');
    }
    response.writeHead(download.status, download.headers);
    if (download.kind === 'unchanged' || request.method === 'HEAD') {
      response.end();
      return;
    }
    const sentBytes = await this.send(sha256, download.range ?? { begin: 0, end: sizeBytes }, response);
    const assignmentId = headers[ASSIGNMENT_HEADER];
    if (assignmentId !== undefined) await this.downloads.count({ assignmentId, siteId: caller.id, sentBytes });
  }

  /** @returns What was sent before the receiver hung up, or the store did: it asks again for the rest. */
  private async send(sha256: string, range: ByteRange, out: ServerResponse): Promise<number> {
    let sentBytes = 0;
    const onSent = (bytes: number): void => {
      sentBytes += bytes;
      this.metrics.downloadBytes.inc(bytes);
    };
    await this.blobs.send(sha256, range, { out, onSent }).then(
      () => out.end(),
      () => out.destroy(),
    );
    return sentBytes;
  }
}
