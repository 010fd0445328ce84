import { generateKeyPairSync } from 'node:crypto';
import {
  enrolmentResponseSchema,
  TributaryError,
  type AssignmentOffer,
  type AssignmentReport,
  type RunProposal,
} from '@tributary/protocol';
import { AccessTokens } from '../agent/coordinator-client/access-tokens.js';
import { retryUntilDone } from '../agent/coordinator-client/backoff.js';
import { CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import { CoordinatorSocket } from '../agent/coordinator-client/coordinator-socket.js';
import { UpdateUpload } from '../agent/coordinator-client/update-upload.js';
import { SiteKey } from '../agent/key-store/site-key.js';
import { ConstantUpdate } from './constant-update.js';
import { checkGlobalWeights } from './global-weights-check.js';
import type { Tally } from './tally.js';

export interface LightSiteOptions {
  readonly url: string;
  readonly siteId: string;
  /** What its updates add to every parameter. */
  readonly value: number;
  readonly tally: Tally;
}

const REPORT: AssignmentReport = {
  kind: 'train',
  images: 1,
  steps: 1,
  loss: 0,
  trainSeconds: 0,
  imagesPerSecond: 0,
  engine: { name: 'none', device: 'none', threads: 1 },
};

/**
 * A site without images: key, enrolment, tokens, control connection, download, upload as an agent has them, but its updates
 * are made up, and nothing is kept. For measuring a coordinator.
 */
export class LightSite {
  private readonly key = new SiteKey(generateKeyPairSync('ed25519').privateKey);
  private readonly http: CoordinatorHttp;
  private readonly tokens: AccessTokens;
  private readonly socket: CoordinatorSocket;
  private readonly uploads: UpdateUpload;
  private readonly taken = new Set<string>();
  private readonly hashes = new Map<string, string>();

  constructor(private readonly options: LightSiteOptions) {
    this.http = new CoordinatorHttp(options.url);
    this.tokens = new AccessTokens(this.http, options.siteId, this.key);
    this.socket = new CoordinatorSocket(options.url, this.tokens);
    this.uploads = new UpdateUpload(this.http, this.tokens);
  }

  /** @returns The fingerprint that an admin compares. */
  async enrol(token: string): Promise<string> {
    const signature = this.key.sign(`tributary-enrol:${token}`);
    const body = { token, publicKey: this.key.publicKey, signature };
    const { fingerprint } = await this.http.json('POST', '/v1/enrolment', { body, schema: enrolmentResponseSchema });
    return fingerprint;
  }

  /** Connects and answers everything until `signal` is aborted. Resolves when it is connected; later failures are tallied. */
  async start(signal: AbortSignal): Promise<void> {
    const { tally } = this.options;
    this.socket.on('proposed', (proposal) => tally.follow(this.approve(proposal, signal)));
    this.socket.on('offered', (offer) => tally.follow(this.take(offer, 'hint', signal)));
    const connected = new Promise<void>((resolve) => this.socket.once('connected', resolve));
    this.socket.on('connected', () => tally.follow(this.look(signal)));
    tally.follow(this.socket.stayConnected({ signal }));
    await connected;
  }

  /** Takes up what no hint told of. */
  async look(signal: AbortSignal): Promise<void> {
    const { proposals, assignments } = await this.socket.openWork(signal);
    for (const proposal of proposals) await this.approve(proposal, signal);
    for (const offer of assignments) await this.take(offer, 'question', signal);
  }

  private async approve({ runId, recipeSha256 }: RunProposal, signal: AbortSignal): Promise<void> {
    await this.socket.answerRecipe({ runId, recipeSha256, decision: 'approve' }, signal);
  }

  private async take(offer: AssignmentOffer, heardBy: 'hint' | 'question', signal: AbortSignal): Promise<void> {
    const { assignmentId } = offer;
    if (this.taken.has(assignmentId)) return;
    this.taken.add(assignmentId);
    if (offer.kind === 'evaluate') {
      return this.socket.answerAssignment({ assignmentId, decision: 'decline', code: 'EVALUATION_IMPOSSIBLE' }, signal);
    }
    this.options.tally.heard(heardBy);
    const [header] = await Promise.all([
      retryUntilDone(() => checkGlobalWeights(offer, { http: this.http, tokens: this.tokens, signal }), {
        signal,
      }),
      this.socket.answerAssignment({ assignmentId, decision: 'accept' }, signal),
    ]);
    await this.answer(offer, header, signal);
  }

  private async answer(
    { assignmentId, weights: { sizeBytes } }: Extract<AssignmentOffer, { kind: 'train' }>,
    header: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const update = new ConstantUpdate(header, sizeBytes, this.options.value);
    const metadata = { assignmentId, sha256: this.hashOf(update, header), report: JSON.stringify(REPORT) };
    let attempts = 0;
    const send = (): Promise<void> => {
      attempts += 1;
      return this.uploads.send(
        { open: () => Promise.resolve(update), sizeBytes, metadata },
        { signal, resume: attempts > 1 },
      );
    };
    await retryUntilDone(send, { signal }).catch((error: unknown) => {
      if (!(error instanceof TributaryError) || error.code !== 'UPDATE_CONFLICT') throw error;
    });
    this.options.tally.uploaded(sizeBytes);
  }

  /** The same update every round: hashed once. */
  private hashOf(update: ConstantUpdate, header: Uint8Array): string {
    const layout = Buffer.from(header).toString('latin1');
    const known = this.hashes.get(layout) ?? update.sha256();
    this.hashes.set(layout, known);
    return known;
  }
}
