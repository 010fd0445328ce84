import { Inject, Injectable } from '@nestjs/common';
import {
  MAX_CLOCK_SKEW_SECONDS,
  TributaryError,
  type challengeResponseSchema,
  type tokenRequestSchema,
  type tokenResponseSchema,
} from '@tributary/protocol';
import type { z } from 'zod';
import { RefusalsService } from '../audit/refusals.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock, after } from '../platform/clock/clock.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { SECRETS, type Secrets } from '../platform/data-dir/secrets.js';
import { Database } from '../platform/database/database.js';
import { Together } from '../platform/together/together.js';
import { issueAccessToken, looksLikeAccessToken, verifyAccessToken } from './access-token.js';
import { ApiKeysService } from './api-keys.service.js';
import { ChallengeRepository, type Challenge } from './challenge.repository.js';
import { isSignedBy } from './ed25519.js';
import { randomSecret, secretHash } from '../platform/access/secret-hash.js';
import { SitesService, type SiteCredentials } from './sites.service.js';

const CHALLENGE_SECONDS = 60;

/** Proves who asks: people by API key, sites by a token that they get for signing a challenge. */
@Injectable()
export class AuthenticationService {
  private readonly creating: Together<Challenge, Challenge>;
  private readonly consuming: Together<string, Challenge | null>;

  constructor(
    private readonly database: Database,
    private readonly challenges: ChallengeRepository,
    private readonly sites: SitesService,
    private readonly apiKeys: ApiKeysService,
    private readonly refusals: RefusalsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
    @Inject(SECRETS) private readonly secrets: Secrets,
  ) {
    this.creating = new Together(async (challenges) => {
      await this.challenges.createAll(this.database.db, challenges);
      return challenges;
    });
    this.consuming = new Together(async (sha256s) => {
      const used = await this.challenges.consumeAll(this.database.db, sha256s, this.clock.now());
      return sha256s.map((sha256) => used.get(sha256) ?? null);
    });
  }

  /** A one-time challenge. Whether the site exists is not told before it has signed. */
  async challenge(siteId: string): Promise<z.infer<typeof challengeResponseSchema>> {
    const challenge = randomSecret('tbc');
    const now = this.clock.now();
    const expiresAt = after(now, CHALLENGE_SECONDS);
    await this.creating.ask({ sha256: secretHash(challenge), siteId, expiresAt });
    return { challenge, serverTime: now.toISOString(), expiresAt: expiresAt.toISOString() };
  }

  /**
   * A short-lived access token for a signed challenge.
   *
   * @throws TributaryError AUTH_INVALID, AUTH_CLOCK_SKEW, SITE_NOT_APPROVED, SITE_REVOKED.
   */
  async token(request: z.infer<typeof tokenRequestSchema>): Promise<z.infer<typeof tokenResponseSchema>> {
    const { siteId, challenge, siteTime, signature } = request;
    const now = this.clock.now();
    const used = await this.consuming.ask(secretHash(challenge));
    const site = await this.sites.credentials(siteId);
    const message = `tributary-auth:${siteId}:${challenge}:${siteTime}`;
    if (used?.siteId !== siteId || site === null || !isSignedBy(site.publicKey, message, signature)) {
      throw new TributaryError('AUTH_INVALID');
    }
    assertClock(siteTime, now);
    assertApproved(site);
    const expiresAt = after(now, this.config.accessTokenSeconds);
    const accessToken = issueAccessToken({ siteId, expiresAtMs: expiresAt.getTime() }, this.secrets.tokenKey);
    return { accessToken, expiresAt: expiresAt.toISOString() };
  }

  /**
   * Who sends this bearer token.
   *
   * @throws TributaryError AUTH_INVALID, AUTH_EXPIRED, SITE_NOT_APPROVED, SITE_REVOKED.
   */
  async authenticate(bearer: string): Promise<Principal> {
    if (!looksLikeAccessToken(bearer)) return this.apiKeys.authenticate(bearer);
    const siteId = verifyAccessToken(bearer, this.secrets.tokenKey, this.clock.now());
    try {
      assertApproved(await this.sites.credentials(siteId));
    } catch (error) {
      if (error instanceof TributaryError) await this.refusals.note({ actor: siteId, subject: siteId, error });
      throw error;
    }
    return { role: 'site', id: siteId, name: siteId };
  }

  removeExpiredChallenges(): Promise<number> {
    return this.challenges.removeExpired(this.database.db, this.clock.now());
  }
}

/** @throws TributaryError AUTH_INVALID (unknown), SITE_NOT_APPROVED, SITE_REVOKED. */
function assertApproved(site: SiteCredentials | null): void {
  if (site === null) throw new TributaryError('AUTH_INVALID');
  if (site.state === 'revoked') throw new TributaryError('SITE_REVOKED', { siteId: site.id });
  if (site.state === 'pending') throw new TributaryError('SITE_NOT_APPROVED', { siteId: site.id });
}

function assertClock(siteTime: string, now: Date): void {
  const skewSeconds = Math.round((Date.parse(siteTime) - now.getTime()) / 1000);
  if (Math.abs(skewSeconds) <= MAX_CLOCK_SKEW_SECONDS) return;
  const detail = `${Math.abs(skewSeconds)} s ${skewSeconds > 0 ? 'ahead' : 'behind'}`;
  throw new TributaryError('AUTH_CLOCK_SKEW', { detail, skewSeconds });
}
