import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { TributaryError, parseOrThrow, sha256Schema } from '@tributary/protocol';
import { Upload } from '@tus/server';
import { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { Database } from '../platform/database/database.js';
import { Exclusive } from '../platform/replicas/exclusive.js';
import { FreeSpaceService } from '../storage/free-space.service.js';
import { answerTus, type Exchange, type TusAnswer } from './tus-answer.js';
import { UploadAppend } from './upload-append.js';
import { assertUploadSize, assertVersion, readLengthAndMetadata } from './upload-request.js';
import { UploadStore } from './upload-store.js';
import { weightsUpload } from './weights-upload-name.js';

const WEIGHTS_PATH = '/v1/weights';

const metadataSchema = z.object({ sha256: sha256Schema });

/** What is said of a file before its bytes come. */
interface Announced {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Weights of other models that runs are to start from: resumable uploads of admins (tus 1.0.0), named by the SHA-256 of their
 * bytes, so that sending again resumes or does nothing. A file that no run names is removed when it is old.
 */
@Injectable()
export class WeightsUploadsService {
  constructor(
    private readonly store: UploadStore,
    private readonly appends: UploadAppend,
    private readonly blobs: BlobStore,
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly exclusive: Exclusive,
    private readonly freeSpace: FreeSpaceService,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
  ) {}

  /**
   * Begins an upload, or says how far the existing one is.
   *
   * @throws TributaryError UPLOAD_METADATA_INVALID, REQUEST_TOO_LARGE, DISK_FULL, WEIGHTS_WRONG_HASH, UPLOAD_LOCKED.
   */
  async create(actor: string, exchange: Exchange): Promise<void> {
    const { sizeBytes, metadata } = readLengthAndMetadata(exchange.request);
    const { sha256 } = parseOrThrow(metadataSchema, metadata, 'UPLOAD_METADATA_INVALID');
    const offset = await this.begin(actor, { sha256, sizeBytes }, exchange.request);
    this.answer(exchange, sha256, { status: 201, offset });
  }

  /** HEAD: how far it is. @throws TributaryError NOT_FOUND, WEIGHTS_WRONG_HASH, UPLOAD_LOCKED. */
  async tell(actor: string, sha256: string, exchange: Exchange): Promise<void> {
    const storedBytes = await this.blobs.sizeOf(sha256);
    if (storedBytes !== null) {
      return this.answer(exchange, sha256, { status: 200, offset: storedBytes, sizeBytes: storedBytes });
    }
    const known = await this.appends.settled(weightsUpload(sha256), exchange.request);
    if (known === null) throw new TributaryError('NOT_FOUND', { detail: 'upload of weights' });
    const offset = await this.counted(actor, sha256, known);
    this.answer(exchange, sha256, { status: 200, offset, sizeBytes: known.size });
  }

  /** PATCH: the next bytes. @throws TributaryError as `UploadAppend.append` does, WEIGHTS_WRONG_HASH. */
  async append(actor: string, sha256: string, exchange: Exchange): Promise<void> {
    const upload = await this.appends.append(weightsUpload(sha256), exchange.request, () => undefined);
    this.answer(exchange, sha256, { status: 204, offset: await this.counted(actor, sha256, upload) });
  }

  /** @returns How many bytes are held. */
  private async begin(actor: string, { sha256, sizeBytes }: Announced, request: IncomingMessage): Promise<number> {
    const storedBytes = await this.blobs.sizeOf(sha256);
    if (storedBytes === sizeBytes) return sizeBytes;
    if (storedBytes !== null) {
      throw new TributaryError('UPLOAD_METADATA_INVALID', { detail: `Upload-Length: ${storedBytes}, as in that file` });
    }
    const name = weightsUpload(sha256);
    const known = await this.store.find(name);
    if (known?.size === sizeBytes) return this.counted(actor, sha256, known);
    // Before anything is discarded: a request that is refused leaves an upload that was begun as it is.
    assertVersion(request);
    await this.assertRoom(sizeBytes);
    if (known !== null) await this.store.discard(name);
    const upload = new Upload({ id: this.store.idOf(name), size: sizeBytes, offset: 0, metadata: { sha256 } });
    return this.counted(actor, sha256, await this.appends.create(upload, request, () => undefined));
  }

  private answer(exchange: Exchange, sha256: string, answer: Omit<TusAnswer, 'location'>): void {
    answerTus(exchange, { ...answer, location: `${WEIGHTS_PATH}/${sha256}` });
  }

  private async assertRoom(sizeBytes: number): Promise<void> {
    assertUploadSize(sizeBytes, this.config.maxUploadBytes);
    const shortage = await this.freeSpace.shortageForFile(sizeBytes);
    if (shortage !== null) throw shortage;
  }

  /** The last bytes make an upload a blob. @returns How many bytes are held. */
  private async counted(actor: string, sha256: string, { id, offset, size }: Upload): Promise<number> {
    if (offset !== size) return offset;
    await this.exclusive.run(`finish:${id}`, async () => {
      if ((await this.blobs.sizeOf(sha256)) === null) await this.adopt(actor, sha256, size);
    });
    return offset;
  }

  private async adopt(actor: string, sha256: string, sizeBytes: number): Promise<void> {
    const name = weightsUpload(sha256);
    const hash = createHash('sha256');
    await pipeline(await this.store.read(name), hash);
    if (hash.digest('hex') !== sha256) {
      await this.store.discard(name);
      throw new TributaryError('WEIGHTS_WRONG_HASH');
    }
    await this.store.adopt(name, sha256);
    await this.store.discard(name);
    const fact = { actor, action: 'weights.received', subject: sha256, detail: { sizeBytes } };
    await this.database.transaction((db) => this.audit.append(db, fact));
  }
}
