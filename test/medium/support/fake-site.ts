import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ASSIGNMENT_HEADER,
  PROTOCOL_VERSION,
  challengeResponseSchema,
  enrolmentResponseSchema,
  openWorkSchema,
  problemSchema,
  tokenResponseSchema,
  type Ack,
  type AssignmentOffer,
  type CoordinatorToSiteEvents,
  type OpenWork,
  type SiteToCoordinatorEvents,
} from '@tributary/protocol';
import { io, type Socket } from 'socket.io-client';
import { buildEvaluation, buildUpdate, type BuiltResult } from '../../factories/update.js';
import { Api } from './api.js';

/** A busy machine takes its time; a connection that is lost ends the wait at once. */
const ACK_TIMEOUT_MS = 15_000;
const RETRY_MS = 100;
const MAX_ATTEMPTS = 100;
/** How often a site sends an update that is refused for the moment. */
const MOST_SENT = 5;

type SiteSocket = Socket<CoordinatorToSiteEvents, SiteToCoordinatorEvents>;

/** A message that the coordinator refused, by its code. */
export class SiteRefusal extends Error {}

/** What a site does with an offer; the default trains and evaluates at once. */
export type Behaviour = (site: FakeSite, offer: AssignmentOffer) => Promise<void>;

/** A hospital without images: a real key, real sockets and uploads, made-up updates. */
export class FakeSite {
  private readonly privateKey: KeyObject;
  private readonly publicKey: string;
  private socket: SiteSocket | undefined;
  accessToken = '';
  private readonly seen = new Set<string>();
  private stopped = false;
  /** What went wrong in the background; tests that expect none check it. */
  readonly failures: unknown[] = [];
  behaviour: Behaviour = answerAtOnce;

  constructor(
    readonly id: string,
    public url: string,
  ) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.privateKey = privateKey;
    this.publicKey = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  }

  get api(): Api {
    return new Api(this.url, this.accessToken);
  }

  sign(message: string): string {
    return sign(null, Buffer.from(message), this.privateKey).toString('base64');
  }

  enrolment(token: string) {
    return { token, publicKey: this.publicKey, signature: this.sign(`tributary-enrol:${token}`) };
  }

  enrol(token: string) {
    return new Api(this.url).post('/v1/enrolment', enrolmentResponseSchema, this.enrolment(token));
  }

  async authenticate({ skewSeconds = 0 } = {}): Promise<string> {
    const api = new Api(this.url);
    const { challenge } = await api.post('/v1/auth/challenge', challengeResponseSchema, { siteId: this.id });
    const siteTime = new Date(Date.now() + skewSeconds * 1000).toISOString();
    const signature = this.sign(`tributary-auth:${this.id}:${challenge}:${siteTime}`);
    const token = await api.post('/v1/auth/token', tokenResponseSchema, {
      siteId: this.id,
      challenge,
      siteTime,
      signature,
    });
    this.accessToken = token.accessToken;
    return token.accessToken;
  }

  /** Connects, takes up what is open, and does what its behaviour says with every offer, until `close`. */
  async connect(): Promise<void> {
    this.stopped = false;
    await this.join();
  }

  private async join(): Promise<void> {
    await this.authenticate();
    const socket = this.newSocket();
    this.socket = socket;
    socket.on('run:proposed', () => this.inBackground(() => this.takeUp()));
    socket.on('assignment:offered', (offer) => this.inBackground(() => this.work(offer)));
    socket.on('disconnect', () => this.inBackground(() => this.reconnect()));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('connect_error', reject);
    });
    await this.takeUp();
  }

  newSocket(auth: Record<string, unknown> = {}): SiteSocket {
    return io(this.url, {
      auth: { accessToken: this.accessToken, protocolVersion: PROTOCOL_VERSION, ...auth },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    });
  }

  close(): void {
    this.stopped = true;
    this.socket?.disconnect();
  }

  async openWork(): Promise<OpenWork> {
    return openWorkSchema.parse(await this.ask((socket) => socket.emitWithAck('work:open')));
  }

  answer(assignmentId: string, decision: 'accept' | 'decline', code?: string): Promise<unknown> {
    return this.ask((socket) => socket.emitWithAck('assignment:answer', { assignmentId, decision, code }));
  }

  /** Sends one message and waits for its acknowledgement; a refusal is thrown by its code. */
  async ask<T>(emit: (socket: ReturnType<SiteSocket['timeout']>) => Promise<Ack<T>>): Promise<T> {
    const ack = await emit((await this.connectedSocket()).timeout(ACK_TIMEOUT_MS));
    if (!ack.ok) throw new SiteRefusal(ack.problem.code);
    return ack.value;
  }

  /** The socket, when it is back after a restart of the coordinator: what is sent to one that is gone has no answer. */
  private async connectedSocket(): Promise<SiteSocket> {
    const giveUpAt = Date.now() + ACK_TIMEOUT_MS;
    while (this.socket?.connected !== true && Date.now() < giveUpAt) await sleep(50);
    if (this.socket === undefined) throw new Error('not connected');
    return this.socket;
  }

  async globalWeights(offer: AssignmentOffer): Promise<Buffer> {
    const { sha256 } = offer.kind === 'train' ? offer.weights : offer.after;
    return this.api.bytes(`/v1/blobs/${sha256}`, { [ASSIGNMENT_HEADER]: offer.assignmentId });
  }

  async result(offer: AssignmentOffer): Promise<BuiltResult> {
    if (offer.kind === 'evaluate') return buildEvaluation(this.id);
    return buildUpdate(await this.globalWeights(offer), this.id, offer.round);
  }

  /** Creation-with-upload: the whole file in one request. */
  upload(assignmentId: string, result: BuiltResult, body: Buffer = result.bytes): Promise<Response> {
    return this.api.fetch('/v1/uploads', {
      method: 'POST',
      headers: { ...uploadHeaders(assignmentId, result), 'content-type': 'application/offset+octet-stream' },
      body: new Uint8Array(body),
    });
  }

  /** What agents do every few seconds: a hint may be lost. Nothing when the site is closed or not connected. */
  async look(): Promise<void> {
    if (!this.stopped && this.socket?.connected === true) await this.takeUp();
  }

  private async takeUp(): Promise<void> {
    const work = await this.openWork();
    for (const { runId, recipeSha256 } of work.proposals) {
      await this.ask((socket) => socket.emitWithAck('recipe:answer', { runId, recipeSha256, decision: 'approve' }));
    }
    for (const offer of work.assignments) await this.work(offer);
  }

  /** Tries until it is done or too late: connections may break at any time. */
  private async work(offer: AssignmentOffer): Promise<void> {
    if (this.seen.has(offer.assignmentId)) return;
    this.seen.add(offer.assignmentId);
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        return await this.behaviour(this, offer);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  private async reconnect(): Promise<void> {
    while (!this.stopped) {
      try {
        return await this.join();
      } catch {
        await sleep(100);
      }
    }
  }

  private inBackground(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (!this.stopped) this.failures.push(error);
    });
  }
}

export async function answerAtOnce(site: FakeSite, offer: AssignmentOffer): Promise<void> {
  try {
    await site.answer(offer.assignmentId, 'accept');
  } catch (error) {
    if (error instanceof SiteRefusal) return;
    throw error;
  }
  const result = await site.result(offer);
  for (let sent = 1; ; sent++) {
    const response = await site.upload(offer.assignmentId, result);
    if (response.ok) return;
    // As agents do: a file of the same bytes may be removed for another run in the middle.
    const { code, retryable } = problemSchema.parse(await response.json());
    if (response.status !== 409) throw new Error(code);
    if (!retryable || sent === MOST_SENT) return;
  }
}

/** Stays silent. */
export const stayAway: Behaviour = () => Promise.resolve();

export const decline: Behaviour = async (site, offer) => {
  await site.answer(offer.assignmentId, 'decline', 'POLICY_DECLINED');
};

export function uploadHeaders(assignmentId: string, { bytes, sha256, report }: BuiltResult): Record<string, string> {
  const metadata = { assignmentId, sha256, report: JSON.stringify(report) };
  const encoded = Object.entries(metadata).map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`);
  return { 'tus-resumable': '1.0.0', 'upload-length': String(bytes.length), 'upload-metadata': encoded.join(',') };
}
