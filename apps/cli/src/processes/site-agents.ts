import { TributaryError } from '@tributary/protocol/errors';
import { enrolmentResponseSchema, invitationResponseSchema, siteSchema } from '@tributary/protocol/http';
import type { Policy } from '@tributary/protocol/policy';
import type { Recipe } from '@tributary/protocol/recipe';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from '../http/api-client.js';
import { AGENT_MAIN } from './app-paths.js';
import { BackgroundProcess } from './background-process.js';
import type { RunningCoordinator } from './coordinator-process.js';
import { runProgram } from './run-program.js';

const CONNECT_POLL_MS = 150;

const enrolledSchema = enrolmentResponseSchema.pick({ siteId: true, fingerprint: true });

/** One hospital's agent on this machine. */
export interface SiteAgent {
  readonly siteId: string;
  /** Made where there is none. */
  readonly dataDirectory: string;
  readonly imagesDirectory: string;
}

export interface Enrolment {
  readonly studyId: string;
  /** What the site's policy lets through. */
  readonly recipe: Recipe;
  /** Agents that train at the same time and share the cores. */
  readonly sites: number;
  readonly signal: AbortSignal;
}

/**
 * Invites, enrols and approves a site, with a policy of its own.
 *
 * @throws TributaryError SITE_FINGERPRINT_MISMATCH, or what either program answers.
 */
export async function enrolAgent(
  { api, url }: RunningCoordinator,
  { siteId, dataDirectory, imagesDirectory }: SiteAgent,
  { studyId, recipe, sites, signal }: Enrolment,
): Promise<void> {
  const { token } = await api.post(`/v1/studies/${studyId}/invitations`, { siteId }, invitationResponseSchema);
  const enrolled = await runProgram(
    AGENT_MAIN,
    [
      'enroll',
      ...['--url', url, '--token', token, '--data-dir', dataDirectory, '--images', imagesDirectory],
      ...['--threads', String(trainerThreads(sites)), '--format', 'json'],
    ],
    { title: `enrolment of ${siteId}`, schema: enrolledSchema, signal },
  );
  const known = await api.get(`/v1/sites/${siteId}`, siteSchema);
  if (known.fingerprint !== enrolled.fingerprint) {
    throw new TributaryError('SITE_FINGERPRINT_MISMATCH', { detail: `${siteId} printed another one` });
  }
  await api.post(`/v1/sites/${siteId}/approve`, { fingerprint: enrolled.fingerprint }, siteSchema);
  await writeFile(join(dataDirectory, 'policy.yaml'), stringify(policyFor(recipe)), { mode: 0o600 });
}

/** @param detached True when it shall go on after this command has ended. */
export function launchAgent(
  { siteId, dataDirectory }: SiteAgent,
  { logsDirectory, detached }: { readonly logsDirectory: string; readonly detached: boolean },
): BackgroundProcess {
  return new BackgroundProcess({
    title: `the agent of ${siteId}`,
    main: AGENT_MAIN,
    args: ['start', '--data-dir', dataDirectory],
    stdoutFile: join(logsDirectory, `${siteId}.out`),
    stderrFile: join(logsDirectory, `${siteId}.log`),
    detached,
  });
}

/** Resolves when so many sites are connected. */
export async function untilConnected(api: ApiClient, count: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const sites = await api.get('/v1/sites', z.array(siteSchema));
    if (sites.filter((site) => site.connected).length === count) return;
    await delay(CONNECT_POLL_MS, undefined, { signal });
  }
}

/** Approves by rule exactly what is proposed, and nothing beyond it. */
function policyFor(recipe: Recipe): Policy {
  const { count: maxRounds, localSteps: maxLocalSteps, batchSize } = recipe.rounds;
  const minImagesPerUpdate = maxLocalSteps * batchSize;
  const limits = { maxRounds, maxLocalSteps, maxParameters: 100_000_000, minImagesPerUpdate };
  return { version: 1, recipes: { approval: 'standing', limits }, data: { minPatients: 5 } };
}

function trainerThreads(sites: number): number {
  return Math.max(1, Math.floor(availableParallelism() / sites));
}
