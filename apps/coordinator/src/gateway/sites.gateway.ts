import { Inject } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import {
  MAX_SOCKET_MESSAGE_BYTES,
  TributaryError,
  assignmentAnswerSchema,
  assignmentFailureSchema,
  assignmentProgressSchema,
  parseOrThrow,
  recipeAnswerSchema,
  type Ack,
  type OpenWork,
} from '@tributary/protocol';
import { SitesService } from '../identity/sites.service.js';
import { SiteHints, type SiteHint } from '../platform/hints/site-hints.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { AssignmentsService } from '../runs/assignments/assignments.service.js';
import { OpenWorkService } from '../runs/assignments/open-work.service.js';
import { Together } from '../platform/together/together.js';
import { ProgressService } from '../runs/assignments/progress.service.js';
import { RecipeAnswersService } from '../runs/proposal/recipe-answers.service.js';
import { acknowledge } from './acknowledge.js';
import { SocketAdmission } from './socket-admission.js';
import type { SiteServer, SiteSocket } from './site-socket.js';

/** A connection that a firewall forgot is found dead, by both ends, after the sum of these; nobody tells them. */
const HEARTBEAT = { pingInterval: 10_000, pingTimeout: 10_000 };

/** The control connections of the sites: offers out, answers in. Everything durable lies in the database. */
@WebSocketGateway({ maxHttpBufferSize: MAX_SOCKET_MESSAGE_BYTES, serveClient: false, ...HEARTBEAT })
export class SitesGateway implements OnGatewayInit<SiteServer>, OnGatewayConnection, OnGatewayDisconnect {
  private server: SiteServer | undefined;
  private readonly noting = new Together((siteIds: readonly string[]) => this.noteConnections(siteIds));

  constructor(
    private readonly admission: SocketAdmission,
    private readonly sites: SitesService,
    private readonly hints: SiteHints,
    private readonly openWork: OpenWorkService,
    private readonly recipeAnswers: RecipeAnswersService,
    private readonly assignments: AssignmentsService,
    private readonly progress: ProgressService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  afterInit(server: SiteServer): void {
    this.server = server;
    server.use((socket, next) => {
      void this.admission.admit(socket).then(() => next(), next);
    });
    this.hints.onHint((siteId, hint) => this.tell(siteId, hint));
  }

  handleConnection(socket: SiteSocket): void {
    const { siteId } = socket.data;
    void socket.join(roomOf(siteId));
    socket.onAny((event: unknown, ...sent: unknown[]) => this.refuseUnknown(socket, String(event), sent.at(-1)));
    this.noteConnection(siteId);
    this.logger.info({ siteId }, 'site connected');
  }

  handleDisconnect(socket: SiteSocket): void {
    const { siteId } = socket.data;
    this.noteConnection(siteId);
    this.logger.info({ siteId }, 'site disconnected');
  }

  @SubscribeMessage('work:open')
  onOpenWork(@ConnectedSocket() socket: SiteSocket): Promise<Ack<OpenWork>> {
    return acknowledge(this.logger, () => this.openWork.of(socket.data.siteId));
  }

  @SubscribeMessage('recipe:answer')
  onRecipeAnswer(@ConnectedSocket() socket: SiteSocket, @MessageBody() body: unknown): Promise<Ack<null>> {
    return acknowledge(this.logger, async () => {
      await this.recipeAnswers.answer(socket.data.siteId, parseOrThrow(recipeAnswerSchema, body, 'REQUEST_INVALID'));
      return null;
    });
  }

  @SubscribeMessage('assignment:answer')
  onAssignmentAnswer(@ConnectedSocket() socket: SiteSocket, @MessageBody() body: unknown): Promise<Ack<null>> {
    return acknowledge(this.logger, async () => {
      await this.assignments.answer(socket.data.siteId, parseOrThrow(assignmentAnswerSchema, body, 'REQUEST_INVALID'));
      return null;
    });
  }

  @SubscribeMessage('assignment:failed')
  onAssignmentFailed(@ConnectedSocket() socket: SiteSocket, @MessageBody() body: unknown): Promise<Ack<null>> {
    return acknowledge(this.logger, async () => {
      await this.assignments.fail(socket.data.siteId, parseOrThrow(assignmentFailureSchema, body, 'REQUEST_INVALID'));
      return null;
    });
  }

  /** Not acknowledged: progress that is lost is replaced by the next. */
  @SubscribeMessage('assignment:progress')
  onProgress(@ConnectedSocket() socket: SiteSocket, @MessageBody() body: unknown): void {
    const progress = assignmentProgressSchema.safeParse(body);
    if (progress.success) this.progress.report(socket.data.siteId, progress.data);
    else this.logger.warn({ siteId: socket.data.siteId }, 'a progress message does not fit its schema');
  }

  /** An event that is not known here, of a newer agent perhaps, is answered too: its sender would wait in vain. */
  private refuseUnknown(socket: SiteSocket, event: string, reply: unknown): void {
    if (!isReply(reply) || socket.listenerCount(event) > 0) return;
    const error = new TributaryError('REQUEST_INVALID', { detail: 'an event of this name is not known' });
    void acknowledge(this.logger, () => Promise.reject(error)).then(reply);
  }

  private tell(siteId: string, hint: SiteHint): void {
    const { server } = this;
    if (server === undefined) return;
    const room = server.to(roomOf(siteId));
    switch (hint.event) {
      case 'run:proposed':
        room.emit(hint.event, hint.body);
        break;
      case 'assignment:offered':
        room.emit(hint.event, hint.body);
        break;
      case 'assignment:withdrawn':
        room.emit(hint.event, hint.body);
        break;
      case 'run:ended':
        room.emit(hint.event, hint.body);
        break;
      case 'site:revoked':
        room.emit(hint.event, hint.body);
        server.in(roomOf(siteId)).disconnectSockets(true);
        break;
    }
  }

  /** With what is so when it is noted: a site that comes back at once is not noted as gone. */
  private noteConnection(siteId: string): void {
    this.noting
      .ask(siteId)
      .catch((error: unknown) => this.logger.warn({ siteId, err: error }, 'a connection was not noted'));
  }

  private async noteConnections(siteIds: readonly string[]): Promise<readonly null[]> {
    const changed = [...new Set(siteIds)];
    const rooms = this.server?.sockets.adapter.rooms;
    const isConnected = (siteId: string): boolean => (rooms?.get(roomOf(siteId))?.size ?? 0) > 0;
    await this.sites.noteConnections({
      connected: changed.filter(isConnected),
      disconnected: changed.filter((siteId) => !isConnected(siteId)),
    });
    return siteIds.map(() => null);
  }
}

function isReply(value: unknown): value is (ack: Ack<null>) => void {
  return typeof value === 'function';
}

function roomOf(siteId: string): string {
  return `site:${siteId}`;
}
