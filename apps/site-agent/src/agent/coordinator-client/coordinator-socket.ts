import { EventEmitter, once } from 'node:events';
import {
  assignmentIdSchema,
  assignmentOfferSchema,
  fromProblem,
  openWorkSchema,
  parseOrThrow,
  problemSchema,
  PROTOCOL_VERSION,
  runIdSchema,
  runProposalSchema,
  TributaryError,
  type AssignmentAnswer,
  type AssignmentFailure,
  type AssignmentOffer,
  type AssignmentProgress,
  type CoordinatorToSiteEvents,
  type OpenWork,
  type RecipeAnswer,
  type RunProposal,
  type SiteToCoordinatorEvents,
} from '@tributary/protocol';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import type { AccessTokens } from './access-tokens.js';
import { retryUntilDone, type RetryOptions } from './backoff.js';

const CONNECT_TIMEOUT_MS = 15_000;
const ACK_TIMEOUT_MS = 15_000;

type Connection = Socket<CoordinatorToSiteEvents, SiteToCoordinatorEvents>;

interface SocketEvents {
  connected: [];
  /** The coordinator's heartbeat did not come: the connection is dead, though nobody closed it. */
  silent: [];
  disconnected: [];
  proposed: [RunProposal];
  offered: [AssignmentOffer];
  withdrawn: [{ assignmentId: string }];
  runEnded: [{ runId: string }];
}

const ackSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), problem: problemSchema }),
]);
const withdrawnSchema = z.object({ assignmentId: assignmentIdSchema });
const runEndedSchema = z.object({ runId: runIdSchema });

/** The control connection: small JSON, made again for ever, with a fresh access token each time. */
export class CoordinatorSocket extends EventEmitter<SocketEvents> {
  private connection: Connection | undefined;

  constructor(
    private readonly url: string,
    private readonly tokens: AccessTokens,
  ) {
    super();
    this.setMaxListeners(0);
  }

  /**
   * Stays connected until `signal` is aborted.
   *
   * @throws TributaryError that no waiting can mend: SITE_REVOKED, PROTOCOL_VERSION, AUTH_INVALID …
   */
  async stayConnected(options: RetryOptions): Promise<void> {
    while (!options.signal.aborted) {
      const connection = await retryUntilDone(() => this.connect(), options);
      const revoked = await this.serve(connection, options.signal);
      connection.disconnect();
      this.connection = undefined;
      this.emit('disconnected');
      if (revoked) throw new TributaryError('SITE_REVOKED');
    }
  }

  async openWork(signal: AbortSignal): Promise<OpenWork> {
    const value = await this.acknowledged((connection) => connection.emitWithAck('work:open'), signal);
    return parseOrThrow(openWorkSchema, value, 'PROTOCOL_VERSION');
  }

  async answerRecipe(answer: RecipeAnswer, signal: AbortSignal): Promise<void> {
    await this.acknowledged((connection) => connection.emitWithAck('recipe:answer', answer), signal);
  }

  async answerAssignment(answer: AssignmentAnswer, signal: AbortSignal): Promise<void> {
    await this.acknowledged((connection) => connection.emitWithAck('assignment:answer', answer), signal);
  }

  async reportFailure(failure: AssignmentFailure, signal: AbortSignal): Promise<void> {
    await this.acknowledged((connection) => connection.emitWithAck('assignment:failed', failure), signal);
  }

  /** Progress is worth nothing later: dropped while there is no connection. */
  reportProgress(progress: AssignmentProgress): void {
    this.connection?.volatile.emit('assignment:progress', progress);
  }

  /** Sends until acknowledged, over as many connections as it takes; the receiver dedupes by the id inside. */
  private acknowledged(
    emit: (connection: ReturnType<Connection['timeout']>) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const attempt = async (): Promise<unknown> => {
      const connection = this.connection ?? (await this.nextConnection(signal));
      const reply = await emit(connection.timeout(ACK_TIMEOUT_MS)).catch(() => {
        throw new TributaryError('COORDINATOR_UNREACHABLE', { detail: 'no acknowledgement' });
      });
      const ack = parseOrThrow(ackSchema, reply, 'PROTOCOL_VERSION');
      if (!ack.ok) throw fromProblem(ack.problem);
      return ack.value;
    };
    return retryUntilDone(attempt, { signal });
  }

  private async nextConnection(signal: AbortSignal): Promise<Connection> {
    await once(this, 'connected', { signal });
    if (this.connection === undefined) throw new TributaryError('COORDINATOR_UNREACHABLE');
    return this.connection;
  }

  private async connect(): Promise<Connection> {
    const accessToken = await this.tokens.use((token) => Promise.resolve(token));
    const connection: Connection = io(this.url, {
      auth: { accessToken, protocolVersion: PROTOCOL_VERSION },
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnection: false,
      forceNew: true,
      timeout: CONNECT_TIMEOUT_MS,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        connection.once('connect', resolve);
        connection.once('connect_error', (error) => reject(refusalOf(error)));
      });
    } catch (error) {
      connection.disconnect();
      throw error;
    }
    return connection;
  }

  /** Passes hints on until the connection ends; true when the site was revoked. */
  private async serve(connection: Connection, signal: AbortSignal): Promise<boolean> {
    const ended = new AbortController();
    let revoked = false;
    connection.on(
      'run:proposed',
      checked(runProposalSchema, (proposal) => this.emit('proposed', proposal)),
    );
    connection.on(
      'assignment:offered',
      checked(assignmentOfferSchema, (offer) => this.emit('offered', offer)),
    );
    connection.on(
      'assignment:withdrawn',
      checked(withdrawnSchema, (hint) => this.emit('withdrawn', hint)),
    );
    connection.on(
      'run:ended',
      checked(runEndedSchema, (hint) => this.emit('runEnded', hint)),
    );
    connection.on('site:revoked', () => {
      revoked = true;
      ended.abort();
    });
    connection.once('disconnect', (reason) => {
      if (reason === 'ping timeout') this.emit('silent');
      ended.abort();
    });
    if (!connection.connected) return false;
    this.connection = connection;
    this.emit('connected');
    await aborted(AbortSignal.any([signal, ended.signal]));
    return revoked;
  }
}

/** A hint that does not fit its schema is dropped: the answer to `work:open` holds the truth. */
function checked<S extends z.ZodType>(schema: S, use: (value: z.infer<S>) => void): (value: unknown) => void {
  return (value) => {
    const parsed = schema.safeParse(value);
    if (parsed.success) use(parsed.data);
  };
}

/** The coordinator's coded refusal of a connection, or COORDINATOR_UNREACHABLE when none came. */
function refusalOf(error: Error): TributaryError {
  const problem = problemSchema.safeParse('data' in error ? error.data : undefined);
  return problem.success
    ? fromProblem(problem.data)
    : new TributaryError('COORDINATOR_UNREACHABLE', { detail: 'control connection' }, { cause: error });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
