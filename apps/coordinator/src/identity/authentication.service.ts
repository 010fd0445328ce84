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
import { issueAccessToken, looksLikeAccessToken, verifyAccessToken } from './access-token.js';
import { ApiKeysService } from './api-keys.service.js';
import { ChallengeRepository } from './challenge.repository.js';
import { isSignedBy } from './ed25519.js';
import { randomSecret, secretHash } from './secret-hash.js';
import { SiteRepository } from './site.repository.js';
import { SitesService } from './sites.service.js';

const CHALLENGE_SECONDS = 60;

/** Proves who asks: people by API key, sites by a token that they get for signing a challenge. */
@Injectable()
export class AuthenticationService {
  constructor(
    private readonly database: Database,
    private readonly sites: SiteRepository,
    private readonly challenges: ChallengeRepository,
    private readonly siteStates: SitesService,
    private readonly apiKeys: ApiKeysService,
    private readonly refusals: RefusalsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
    @Inject(SECRETS) private readonly secrets: Secrets,
  ) {}

  /** A one-time challenge. Whether the site exists is not told before it has signed. */
  async challenge(siteId: string): Promise<z.infer<typeof challengeResponseSchema>> {
    const challenge = randomSecret('tbc');
    const now = this.clock.now();
    const expiresAt = after(now, CHALLENGE_SECONDS);
    await this.challenges.create(this.database.db, { sha256: secretHash(challenge), siteId, expiresAt });
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
    const fresh = await this.challenges.consume(this.database.db, { sha256: secretHash(challenge), siteId }, now);
    const site = await this.sites.find(this.database.db, siteId);
    const message = `tributary-auth:${siteId}:${challenge}:${siteTime}`;
    if (!fresh || site === null || !isSignedBy(site.publicKey, message, signature)) {
      throw new TributaryError('AUTH_INVALID');
    }
    assertClock(siteTime, now);
    await this.siteStates.assertApproved(siteId);
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
      await this.siteStates.assertApproved(siteId);
    } catch (error) {
      if (error instanceof TributaryError) await this.refusals.note({ siteId, subject: siteId, error });
      throw error;
    }
    return { role: 'site', id: siteId, name: siteId };
  }

  removeExpiredChallenges(): Promise<number> {
    return this.challenges.removeExpired(this.database.db, this.clock.now());
  }
}

function assertClock(siteTime: string, now: Date): void {
  const skewSeconds = Math.round((Date.parse(siteTime) - now.getTime()) / 1000);
  if (Math.abs(skewSeconds) <= MAX_CLOCK_SKEW_SECONDS) return;
  const detail = `${Math.abs(skewSeconds)} s ${skewSeconds > 0 ? 'ahead' : 'behind'}`;
  throw new TributaryError('AUTH_CLOCK_SKEW', { detail, skewSeconds });
}
