import { challengeResponseSchema, tokenResponseSchema, TributaryError } from '@tributary/protocol';
import type { SiteKey } from '../key-store/site-key.js';
import type { CoordinatorHttp } from './coordinator-http.js';

/** A token is renewed this long before it expires. */
const RENEW_BEFORE_MS = 30_000;

interface HeldToken {
  readonly accessToken: string;
  /** On this machine's monotonic clock, so that a wrong wall clock cannot keep an expired token. */
  readonly renewAtMs: number;
}

/** Proves the site's key (challenge, signature) for a short-lived access token, and keeps it while it is good. */
export class AccessTokens {
  private held: Promise<HeldToken> | undefined;

  constructor(
    private readonly http: CoordinatorHttp,
    private readonly siteId: string,
    private readonly key: SiteKey,
  ) {}

  /** Runs `work` with a good token; once more with a new one when the coordinator refuses the first. */
  async use<T>(work: (accessToken: string) => Promise<T>): Promise<T> {
    try {
      return await work(await this.current());
    } catch (error) {
      const stale = error instanceof TributaryError && (error.code === 'AUTH_EXPIRED' || error.code === 'AUTH_INVALID');
      if (!stale) throw error;
      this.held = undefined;
      return work(await this.current());
    }
  }

  private async current(): Promise<string> {
    this.held ??= this.request();
    const asked = this.held;
    try {
      const token = await asked;
      if (performance.now() < token.renewAtMs) return token.accessToken;
      if (this.held === asked) this.held = this.request();
      return (await this.held).accessToken;
    } catch (error) {
      this.held = undefined;
      throw error;
    }
  }

  private async request(): Promise<HeldToken> {
    const { siteId } = this;
    const askedAtMs = performance.now();
    const { challenge, serverTime } = await this.http.json('POST', '/v1/auth/challenge', {
      body: { siteId },
      schema: challengeResponseSchema,
    });
    const siteTime = new Date().toISOString();
    const signature = this.key.sign(`tributary-auth:${siteId}:${challenge}:${siteTime}`);
    const { accessToken, expiresAt } = await this.http.json('POST', '/v1/auth/token', {
      body: { siteId, challenge, siteTime, signature },
      schema: tokenResponseSchema,
    });
    const lifetimeMs = Date.parse(expiresAt) - Date.parse(serverTime);
    return { accessToken, renewAtMs: askedAtMs + Math.max(0, lifetimeMs - RENEW_BEFORE_MS) };
  }
}
