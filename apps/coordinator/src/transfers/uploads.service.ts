import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { TributaryError, toProblem, type ErrorCode } from '@tributary/protocol';
import { Server, type Upload } from '@tus/server';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { toTributaryError } from '../platform/errors/problem.filter.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { Exclusive } from '../platform/replicas/exclusive.js';
import { ReplicaLocks } from '../platform/replicas/replica-locks.js';
import { AssignmentsService, type AssignmentContext } from '../runs/assignments/assignments.service.js';
import { ReceivedUpdatesService } from './received-updates.service.js';
import { bodyOf, isWholeAndSmall, readAnnouncement, readCreation, type AnnouncedUpload } from './upload-request.js';
import { heldBytes, storedBytes } from './uploaded-bytes.js';
import { UpdateCheckService } from './update-check.service.js';
import { TUS_VERSION } from './tus-protocol.js';
import { UploadAppend } from './upload-append.js';
import { UploadLocker } from './upload-locker.js';
import { UploadStore } from './upload-store.js';

export const UPLOADS_PATH = '/v1/uploads';
/** 409: another request has written meanwhile, so that the offset is another; 500: it did not stop in time. */
const CODE_BY_TUS_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'NOT_FOUND',
  409: 'UPLOAD_LOCKED',
  413: 'REQUEST_TOO_LARGE',
  500: 'UPLOAD_LOCKED',
};

/** A creation request that brings all bytes. */
interface WholeCreation {
  readonly announced: AnnouncedUpload;
  readonly context: AssignmentContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Resumable uploads (tus 1.0.0: core, creation, creation-with-upload). An upload's id is its assignment's, so sending again
 * resumes or does nothing. @see https://tus.io/protocols/resumable-upload
 */
@Injectable()
export class UploadsService implements OnApplicationBootstrap {
  private readonly tus: Server;
  private readonly appends: UploadAppend;
  /** What is known of the assignments whose bytes are coming in. */
  private readonly contexts = new Map<string, AssignmentContext>();

  constructor(
    private readonly assignments: AssignmentsService,
    private readonly received: ReceivedUpdatesService,
    private readonly checks: UpdateCheckService,
    private readonly store: UploadStore,
    private readonly blobs: BlobStore,
    private readonly exclusive: Exclusive,
    locks: ReplicaLocks,
    @Inject(CONFIG) config: CoordinatorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const locker = new UploadLocker(locks);
    this.appends = new UploadAppend(store, locker);
    this.tus = new Server({
      path: UPLOADS_PATH,
      datastore: store.datastore,
      locker,
      maxSize: config.maxUploadBytes,
      namingFunction: (_request, metadata) => store.idOf(readAnnouncement(metadata).assignmentId),
      getFileIdFromRequest: (_request, assignmentId) => assignmentId && store.idOf(assignmentId),
      generateUrl: (_request, { path, id }) => `${path}/${basename(id)}`,
      onUploadFinish: async (_request, upload) => {
        await this.finish(upload);
        return {};
      },
      onResponseError: (_request, error) => this.answerOf(error),
    });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.recover();
  }

  /**
   * Creates an upload, or says how far the existing one is.
   *
   * @throws TributaryError UPLOAD_METADATA_INVALID, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED, UPDATE_CONFLICT.
   */
  async create(siteId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { announced, sizeBytes } = readCreation(request);
    const context = await this.assignments.contextFor(siteId, announced.assignmentId);
    const { assignment } = context;
    if (assignment.state === 'received') {
      if (assignment.updateSha256 !== announced.sha256)
        throw new TributaryError('UPDATE_CONFLICT', { assignmentId: assignment.id });
      return answer(request, response, { status: 201, id: assignment.id, offset: sizeBytes });
    }
    assertOpen(context);
    const known = await this.store.find(assignment.id);
    // tus would empty a file that exists: only one that announces other bytes is begun anew.
    if (known?.size === sizeBytes && known.metadata?.['sha256'] === announced.sha256) {
      if (known.offset === sizeBytes) await this.finish(known);
      return answer(request, response, { status: 201, id: assignment.id, offset: known.offset });
    }
    if (known !== null) {
      this.checks.forget(assignment.id);
      await this.store.discard(assignment.id);
    }
    if (isWholeAndSmall(request, sizeBytes)) return this.takeWhole({ announced, context, request, response });
    await this.handOver(context, request, response);
  }

  /**
   * HEAD: how far it is; PATCH: the next bytes.
   *
   * @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED.
   */
  async resume(
    siteId: string,
    id: string,
    { request, response }: { request: IncomingMessage; response: ServerResponse },
  ) {
    const context = await this.assignments.contextFor(siteId, id);
    const { state, bytes } = context.assignment;
    const isQuestion = request.method === 'HEAD';
    if (state === 'received')
      return answer(request, response, { status: isQuestion ? 200 : 204, id, offset: bytes ?? 0 });
    assertOpen(context);
    return isQuestion ? this.tell(context, request, response) : this.append(context, request, response);
  }

  /** Removes uploads that nobody has written to for `ageMs`: their rounds have gone on. @returns How many files. */
  removeAbandoned(ageMs: number): Promise<number> {
    return this.store.removeAbandoned(ageMs);
  }

  /**
   * Counts what had arrived whole when this process died before it could: its sites think that all is sent.
   */
  async recover(): Promise<void> {
    for (const assignmentId of await this.store.list()) {
      const upload = await this.store.find(assignmentId);
      if (upload?.size === undefined || upload.offset !== upload.size) continue;
      await this.finish(upload).catch((error: unknown) => {
        this.logger.warn({ assignmentId, err: error }, 'an upload that had arrived whole was refused');
      });
    }
  }

  /** A small upload that comes with its creation: no file beside the blobs, and no lock, as nothing is gone on with. */
  private async takeWhole({ announced, context, request, response }: WholeCreation): Promise<void> {
    const { id, siteId } = context.assignment;
    const held = await bodyOf(request).catch(() => null);
    // The connection broke, nothing is kept: the site sends these few bytes again.
    if (held === null) return void response.destroy();
    const upload = { siteId, sizeBytes: held.length, announced, bytes: heldBytes(held, this.blobs) };
    await this.received.take(upload, context);
    answer(request, response, { status: 201, id, offset: held.length });
  }

  /** How far an upload is; tus tells it of those that are not whole. */
  private async tell(context: AssignmentContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { id } = context.assignment;
    const known = await this.store.find(id);
    if (known === null) throw new TributaryError('NOT_FOUND', { detail: `upload ${id}` });
    if (known.size !== known.offset) return this.handOver(context, request, response);
    // It arrived whole, and the process died before it was counted.
    await this.finish(known);
    answer(request, response, { status: 200, id, offset: known.offset });
  }

  private async append(context: AssignmentContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { id } = context.assignment;
    const upload = await this.appends.append(id, request).catch((error: unknown) => {
      // What the site still sends is for nobody.
      if (!request.complete) response.setHeader('connection', 'close');
      throw error;
    });
    const { offset, size: sizeBytes = 0, metadata } = upload;
    try {
      if (offset === sizeBytes) await this.knowing(context, () => this.finish(upload));
      else this.checks.arrived({ announced: readAnnouncement(metadata), sizeBytes }, context, offset);
      answer(request, response, { status: 204, id, offset });
    } catch (error) {
      // A refused update is in the audit log already: it is no refused request besides.
      const { status_code: status, body } = this.answerOf(error instanceof Error ? error : new Error(String(error)));
      response.writeHead(status, { 'tus-resumable': TUS_VERSION }).end(body);
    }
  }

  private handOver(context: AssignmentContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.knowing(context, () => this.tus.handle(request, response));
  }

  /** While `work` takes bytes: when the last has come, `count` finds the context here. */
  private async knowing<T>(context: AssignmentContext, work: () => Promise<T>): Promise<T> {
    const { id } = context.assignment;
    this.contexts.set(id, context);
    try {
      return await work();
    } finally {
      this.contexts.delete(id);
    }
  }

  /** Two requests never finish one file at a time, at whichever replicas. */
  private finish(upload: Upload): Promise<void> {
    return this.exclusive.run(`finish:${upload.id}`, (hasWaited) => this.count(upload, hasWaited));
  }

  private async count(upload: Upload, hasWaited: boolean): Promise<void> {
    const announced = readAnnouncement(upload.metadata);
    const { assignmentId } = announced;
    const known = hasWaited ? undefined : this.contexts.get(assignmentId);
    const context = known ?? (await this.assignments.context(assignmentId));
    if (context.assignment.state === 'received') return;
    const { siteId } = context.assignment;
    const bytes = storedBytes(this.store, assignmentId);
    await this.received.take({ siteId, sizeBytes: upload.size ?? 0, announced, bytes }, context);
  }

  /** tus answers with a text body; ours is the problem, as everywhere. */
  private answerOf(error: Error | { status_code: number; body: string }): { status_code: number; body: string } {
    if (!(error instanceof Error)) {
      const known = new TributaryError(CODE_BY_TUS_STATUS[error.status_code] ?? 'REQUEST_INVALID', {
        detail: error.body.trim(),
      });
      return { status_code: known.spec.status, body: JSON.stringify(toProblem(known)) };
    }
    const known = toTributaryError(error);
    if (known.spec.status >= 500)
      this.logger.warn({ code: known.code, err: error }, 'an upload failed; it can be resumed');
    return { status_code: known.spec.status, body: JSON.stringify(toProblem(known)) };
  }
}

function assertOpen({ assignment, isOpen }: AssignmentContext): void {
  const { id, state } = assignment;
  if (!isOpen) throw new TributaryError('ASSIGNMENT_CLOSED', { assignmentId: id, state });
}

/** A tus answer that needs no bytes; what the client sends meanwhile is read and dropped. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, id, offset }: { status: number; id: string; offset: number },
): void {
  request.resume();
  response.writeHead(status, {
    'tus-resumable': TUS_VERSION,
    'upload-offset': String(offset),
    ...(status === 201 ? { location: `${UPLOADS_PATH}/${id}` } : {}),
    'cache-control': 'no-store',
  });
  response.end();
}
