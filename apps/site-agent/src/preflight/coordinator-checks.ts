import { challengeResponseSchema, MAX_CLOCK_SKEW_SECONDS, TributaryError } from '@tributary/protocol';
import type { SiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { AccessTokens } from '../agent/coordinator-client/access-tokens.js';
import { CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import { loadSiteKey } from '../agent/key-store/site-key.js';
import type { Check, Finding } from './check.js';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** What can stand between the site and its coordinator. */
export function coordinatorChecks(config: SiteConfig, paths: SitePaths): Check[] {
  const { url, siteId } = config;
  const http = new CoordinatorHttp(url);
  return [
    {
      name: 'coordinator',
      look: async () => {
        await http.send('/health/ready', { method: 'GET' });
        return { detail: `${url} answers and is ready` };
      },
    },
    { name: 'tls', look: () => Promise.resolve(tlsFinding(new URL(url))) },
    {
      name: 'clock',
      look: async () => {
        const askedAtMs = Date.now();
        const { serverTime } = await http.json('POST', '/v1/auth/challenge', {
          body: { siteId },
          schema: challengeResponseSchema,
        });
        return clockFinding((askedAtMs + Date.now()) / 2 - Date.parse(serverTime));
      },
    },
    { name: 'approval', look: () => approvalFinding(config, paths, http) },
  ];
}

/** Signs in as the agent does. A site that is not approved yet may be started: it waits. */
async function approvalFinding(
  { siteId, fingerprint }: SiteConfig,
  { keyFile }: SitePaths,
  http: CoordinatorHttp,
): Promise<Finding> {
  const key = await loadSiteKey(keyFile).catch(() => undefined);
  if (key === undefined) return { detail: 'cannot be asked without the key', fix: 'See key.' };
  try {
    await new AccessTokens(http, siteId, key).use(() => Promise.resolve());
    return { detail: `${siteId} is approved` };
  } catch (error) {
    if (!(error instanceof TributaryError) || error.code !== 'SITE_NOT_APPROVED') throw error;
    return { detail: `${siteId} is not approved yet; the admin compares ${fingerprint} and approves it` };
  }
}

function tlsFinding({ protocol, hostname }: URL) {
  if (protocol === 'https:') return { detail: 'https; the certificate is checked at every connection' };
  if (LOOPBACK.test(hostname)) return { detail: 'http on this machine only' };
  return { detail: 'http over a network', fix: 'Enrol with the https address of the coordinator.' };
}

function clockFinding(aheadMs: number) {
  const seconds = Math.round(aheadMs / 1000);
  const detail = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the coordinator`;
  const allowed = MAX_CLOCK_SKEW_SECONDS / 2;
  return Math.abs(seconds) <= allowed ? { detail } : { detail, fix: "Set this machine's clock (NTP)." };
}
