import { TributaryError } from '@tributary/protocol/errors';
import { enrolmentResponseSchema, invitationResponseSchema, siteSchema, studySchema } from '@tributary/protocol/http';
import type { Policy } from '@tributary/protocol/policy';
import type { Recipe } from '@tributary/protocol/recipe';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { AGENT_MAIN } from '../processes/app-paths.js';
import { BackgroundProcess } from '../processes/background-process.js';
import { runProgram } from '../processes/run-program.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import type { DemoSession } from './demo-session.js';
import type { SiteImages } from './phantom-step.js';

export const STUDY_ID = 'phantom-brain';
const CONNECT_POLL_MS = 150;

const enrolledSchema = enrolmentResponseSchema.pick({ siteId: true, fingerprint: true });

/** Makes the study, and enrols, approves and starts one agent a site: own process, folder, key and policy. */
export async function startAgents(
  session: DemoSession,
  coordinator: RunningCoordinator,
  { sites, recipe }: { readonly sites: readonly SiteImages[]; readonly recipe: Recipe },
): Promise<void> {
  await createStudy(coordinator, recipe);
  for (const [index, site] of sites.entries()) {
    session.context.output.note(`Enrolling ${site.id} (${index + 1} of ${sites.length})`);
    await enrolSite(session, coordinator, site);
    await writeFile(dataDirectoryOf(session, site.id, 'policy.yaml'), stringify(policyFor(recipe)), { mode: 0o600 });
    await startAgent(session, site.id);
  }
  await waitUntilConnected(session, coordinator, sites.length);
}

/** A study can be made before any site has its images: only the recipe's contract counts. */
async function createStudy({ api }: RunningCoordinator, recipe: Recipe): Promise<void> {
  const study = {
    id: STUDY_ID,
    title: 'Brain phantom of the demo',
    modality: 'MR',
    classes: recipe.classes,
    scarceClasses: recipe.evaluation.scarceClasses,
    image: recipe.image,
  };
  await api.post('/v1/studies', study, studySchema);
}

async function enrolSite(session: DemoSession, { api, url }: RunningCoordinator, site: SiteImages): Promise<void> {
  const invitation = await api.post(
    `/v1/studies/${STUDY_ID}/invitations`,
    { siteId: site.id },
    invitationResponseSchema,
  );
  const dataDirectory = dataDirectoryOf(session, site.id);
  const enrolled = await runProgram(
    AGENT_MAIN,
    [
      'enroll',
      ...['--url', url, '--token', invitation.token, '--data-dir', dataDirectory, '--images', site.directory],
      ...['--threads', String(trainerThreads(session.options.sites)), '--format', 'json'],
    ],
    { title: `enrolment of ${site.id}`, schema: enrolledSchema, signal: session.context.host.signal },
  );
  const known = await api.get(`/v1/sites/${site.id}`, siteSchema);
  if (known.fingerprint !== enrolled.fingerprint) {
    throw new TributaryError('SITE_FINGERPRINT_MISMATCH', { detail: `${site.id} printed another one` });
  }
  await api.post(`/v1/sites/${site.id}/approve`, { fingerprint: enrolled.fingerprint }, siteSchema);
}

/** Approves by rule exactly what the demo proposes, and nothing beyond it. */
function policyFor(recipe: Recipe): Policy {
  const { count: maxRounds, localSteps: maxLocalSteps, batchSize } = recipe.rounds;
  const minImagesPerUpdate = maxLocalSteps * batchSize;
  const limits = { maxRounds, maxLocalSteps, maxParameters: 100_000_000, minImagesPerUpdate };
  return { version: 1, recipes: { approval: 'standing', limits }, data: { minPatients: 5 } };
}

async function startAgent(session: DemoSession, siteId: string): Promise<void> {
  await session.adopt(
    new BackgroundProcess({
      title: `the agent of ${siteId}`,
      main: AGENT_MAIN,
      args: ['start', '--data-dir', dataDirectoryOf(session, siteId)],
      stdoutFile: session.folder.of('logs', `${siteId}.out`),
      stderrFile: session.folder.of('logs', `${siteId}.log`),
      detached: session.options.keep,
    }),
  );
}

async function waitUntilConnected(session: DemoSession, { api }: RunningCoordinator, count: number): Promise<void> {
  for (;;) {
    const sites = await api.get('/v1/sites', z.array(siteSchema));
    if (sites.filter((site) => site.connected).length === count) return;
    await delay(CONNECT_POLL_MS, undefined, { signal: session.context.host.signal });
  }
}

function dataDirectoryOf({ folder }: DemoSession, siteId: string, ...names: readonly string[]): string {
  return folder.of('sites', siteId, 'agent', ...names);
}

/** The sites train at the same time and share the cores. */
function trainerThreads(sites: number): number {
  return Math.max(1, Math.floor(availableParallelism() / sites));
}
