import { challengeResponseSchema, MAX_CLOCK_SKEW_SECONDS } from '@tributary/protocol';
import type { SiteConfig } from '../agent/config/site-config.js';
import { CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import type { Check } from './check.js';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** What can stand between the site and its coordinator. */
export function coordinatorChecks({ url, siteId }: SiteConfig): Check[] {
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
  ];
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
