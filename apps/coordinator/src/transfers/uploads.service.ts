import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { TributaryError, toProblem } from '@tributary/protocol';
import { TUS_VERSION } from '@tributary/protocol/tus';
import { Upload } from '@tus/server';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { correlationIdOf } from '../platform/errors/correlation.js';
import { toTributaryError } from '../platform/errors/problem.filter.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { Exclusive } from '../platform/replicas/exclusive.js';
import { AssignmentsService, type AssignmentContext } from '../runs/assignments/assignments.service.js';
import { ReceivedUpdatesService } from './received-updates.service.js';
import {
  assertUploadSize,
  assertVersion,
  bodyOf,
  isWholeAndSmall,
  readAnnouncement,
  readCreation,
  type AnnouncedUpload,
} from './upload-request.js';
import { heldBytes, storedBytes } from './uploaded-bytes.js';
import { UpdateCheckService } from './update-check.service.js';
import { answerTus, closingWhenCut, type Exchange, type TusAnswer } from './tus-answer.js';
import { UploadAppend } from './upload-append.js';
import { UploadStore } from './upload-store.js';
import { isWeightsUpload } from './weights-upload-name.js';

export const UPLOADS_PATH = '/v1/uploads';

/** A request that creates an upload. */
interface Creation extends Exchange {
  readonly announced: AnnouncedUpload;
  readonly sizeBytes: number;
  readonly context: AssignmentContext;
}

/**
 * Resumable uploads (tus 1.0.0: core, creation, creation-with-upload). An upload's id is its assignment's, so sending again
 * resumes or does nothing. @see https://tus.io/protocols/resumable-upload
 */
@Injectable()
export class UploadsService implements OnApplicationBootstrap {
  private readonly maxBytes: number;

  constructor(
    private readonly assignments: AssignmentsService,
    private readonly received: ReceivedUpdatesService,
    private readonly checks: UpdateCheckService,
    private readonly store: UploadStore,
    private readonly blobs: BlobStore,
    private readonly exclusive: Exclusive,
    private readonly appends: UploadAppend,
    @Inject(CONFIG) config: CoordinatorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.maxBytes = config.maxUploadBytes;
  }

  onApplicationBootstrap(): Promise<void> {
    return this.recover();
  }

  /**
   * Creates an upload, or says how far the existing one is.
   *
   * @throws TributaryError UPLOAD_METADATA_INVALID, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED, UPDATE_CONFLICT, REQUEST_TOO_LARGE, UPDATE_WRONG_SIZE.
   */
  async create(siteId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { announced, sizeBytes } = readCreation(request);
    const context = await this.assignments.contextFor(siteId, announced.assignmentId);
    const { assignment } = context;
    if (assignment.state === 'received') {
      if (assignment.updateSha256 !== announced.sha256 || assignment.bytes !== sizeBytes)
        throw new TributaryError('UPDATE_CONFLICT', { assignmentId: assignment.id });
      return answer(request, response, { status: 201, id: assignment.id, offset: sizeBytes });
    }
    assertOpen(context);
    // Before anything is discarded: a request that is refused leaves an upload that was begun as it is.
    assertVersion(request);
    assertUploadSize(sizeBytes, this.maxBytes);
    this.checks.assertSize(sizeBytes, context);
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
    const creation = { announced, sizeBytes, context, request, response };
    await (isWholeAndSmall(request, sizeBytes) ? this.takeWhole(creation) : this.begin(creation));
  }

  /**
   * HEAD: how far it is; PATCH: the next bytes.
   *
   * @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED.
   */
  async resume(siteId: string, id: string, { request, response }: Exchange): Promise<void> {
    const context = await this.assignments.contextFor(siteId, id);
    const { state, bytes } = context.assignment;
    const isQuestion = request.method === 'HEAD';
    if (state === 'received')
      return answer(request, response, { status: isQuestion ? 200 : 204, id, offset: bytes ?? 0 });
    assertOpen(context);
    await (isQuestion ? this.tell(context, { request, response }) : this.append(context, { request, response }));
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
      if (isWeightsUpload(assignmentId)) continue;
      const upload = await this.store.find(assignmentId);
      if (upload?.size === undefined || upload.offset !== upload.size) continue;
      await this.finish(upload).catch((error: unknown) => {
        this.logger.warn({ assignmentId, err: error }, 'an upload that had arrived whole was refused');
      });
    }
  }

  /** A small upload that comes with its creation: no file beside the blobs, and no lock, as nothing is gone on with. */
  private async takeWhole({ announced, context, request, response }: Creation): Promise<void> {
    const { id, siteId } = context.assignment;
    const held = await bodyOf(request).catch(() => null);
    // The connection broke, nothing is kept: the site sends these few bytes again.
    if (held === null) return void response.destroy();
    const upload = { siteId, sizeBytes: held.length, announced, bytes: heldBytes(held, this.blobs) };
    await this.received.take(upload, context);
    answer(request, response, { status: 201, id, offset: held.length });
  }

  private async begin({ announced, sizeBytes, context, ...exchange }: Creation): Promise<void> {
    const id = this.store.idOf(context.assignment.id);
    const metadata = { ...announced, report: JSON.stringify(announced.report) };
    const upload = new Upload({ id, size: sizeBytes, offset: 0, metadata });
    const creating = this.appends.create(upload, exchange.request, this.checking(context));
    await this.take(creating, context, { ...exchange, status: 201 });
  }

  /** How far an upload is, when whoever wrote to it has stopped. */
  private async tell(context: AssignmentContext, { request, response }: Exchange): Promise<void> {
    const { id } = context.assignment;
    const known = await this.appends.settled(id, request);
    if (known === null) throw new TributaryError('NOT_FOUND', { detail: `upload ${id}` });
    const { offset, size: sizeBytes } = known;
    // It arrived whole, and the process died before it was counted.
    if (offset === sizeBytes) await this.finish(known);
    answer(request, response, { status: 200, id, offset, sizeBytes });
  }

  private async append(context: AssignmentContext, exchange: Exchange): Promise<void> {
    const appending = this.appends.append(context.assignment.id, exchange.request, this.checking(context));
    await this.take(appending, context, { ...exchange, status: 204 });
  }

  /** Checks what has come of an upload beside. */
  private checking(context: AssignmentContext): (upload: Upload, reachedBytes: number) => void {
    return ({ metadata, size: sizeBytes = 0 }, reachedBytes) =>
      this.checks.arrived({ announced: readAnnouncement(metadata), sizeBytes }, context, reachedBytes);
  }

  /** From bytes that come to an answer: the last ones make the upload count. */
  private async take(
    coming: Promise<Upload>,
    context: AssignmentContext,
    { request, response, status }: Exchange & Pick<TusAnswer, 'status'>,
  ): Promise<void> {
    const { id } = context.assignment;
    const upload = await closingWhenCut({ request, response }, coming);
    const { offset, size: sizeBytes } = upload;
    try {
      if (offset === sizeBytes) await this.finish(upload, context);
      else this.checking(context)(upload, offset);
      answer(request, response, { status, id, offset });
    } catch (error) {
      // A refused update is in the audit log already: it is no refused request besides.
      const known = toTributaryError(error);
      const err = known.code === 'SERVICE_NOT_READY' ? undefined : error;
      if (known.spec.status >= 500) this.logger.warn({ code: known.code, err }, 'an upload failed; it can be resumed');
      const headers = { 'tus-resumable': TUS_VERSION, 'content-type': 'application/json; charset=utf-8' };
      response.writeHead(known.spec.status, headers).end(JSON.stringify(toProblem(known, correlationIdOf(request))));
    }
  }

  /**
   * Two requests never finish one file at a time, at whichever replicas.
   *
   * @param context What the request has read of the assignment; it may be out of date when another one came first.
   */
  private finish(upload: Upload, context?: AssignmentContext): Promise<void> {
    return this.exclusive.run(`finish:${upload.id}`, (hasWaited) =>
      this.count(upload, hasWaited ? undefined : context),
    );
  }

  private async count(upload: Upload, known: AssignmentContext | undefined): Promise<void> {
    const announced = readAnnouncement(upload.metadata);
    const { assignmentId } = announced;
    const context = known ?? (await this.assignments.context(assignmentId));
    if (context.assignment.state === 'received') return;
    const { siteId } = context.assignment;
    const bytes = storedBytes(this.store, assignmentId);
    await this.received.take({ siteId, sizeBytes: upload.size ?? 0, announced, bytes }, context);
  }
}

function assertOpen({ assignment, isOpen }: AssignmentContext): void {
  const { id, state } = assignment;
  if (!isOpen) throw new TributaryError('ASSIGNMENT_CLOSED', { assignmentId: id, state });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { id, ...rest }: Omit<TusAnswer, 'location'> & { readonly id: string },
): void {
  answerTus({ request, response }, { ...rest, location: `${UPLOADS_PATH}/${id}` });
}
