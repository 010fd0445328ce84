import { TributaryError } from '@tributary/protocol/errors';
import {
  roundViewSchema,
  runEventsResponseSchema,
  runViewSchema,
  type EvaluationResult,
  type RoundView,
  type RunView,
} from '@tributary/protocol/http';
import { fromProblem } from '@tributary/protocol/problem';
import type { Recipe } from '@tributary/protocol/recipe';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../http/api-client.js';
import { LiveBlock } from '../output/live-block.js';
import { hasEnded } from '../runs/run-events.js';
import { STUDY_ID } from './agents-step.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import type { DemoSession } from './demo-session.js';
import { trainerEngine, type TrainerEngine } from './trainer-engine.js';
import { contributionsIn, type SiteContribution } from './site-contributions.js';
import { NO_PROGRESS, liveLines, milestoneText, withEvents, withView, type RunProgress } from './run-progress.js';

const POLL_MS = 700;

export interface FinishedRun {
  readonly run: RunView;
  readonly evaluation: EvaluationResult;
  readonly rounds: readonly RoundView[];
  readonly contributions: readonly SiteContribution[];
  readonly engine: TrainerEngine;
}

/** Proposes the recipe, follows the run live until it has ended, and answers with everything that is known of it. */
export async function runToEnd(
  session: DemoSession,
  { api }: RunningCoordinator,
  recipe: Recipe,
): Promise<FinishedRun> {
  const proposed = await api.post('/v1/runs', { studyId: STUDY_ID, recipe }, runViewSchema);
  const contributions = await followLive(session, api, proposed.id);
  const run = await api.get(`/v1/runs/${proposed.id}`, runViewSchema);
  if (run.state !== 'completed') throw failureOf(run);
  const { evaluation } = run;
  if (evaluation === null)
    throw new TributaryError('EVALUATION_IMPOSSIBLE', { detail: 'no site could evaluate in time' });
  const rounds = await api.get(`/v1/runs/${run.id}/rounds`, z.array(roundViewSchema));
  const [siteId = ''] = run.sites;
  const engine = await trainerEngine(session.folder.of('sites', siteId, 'agent'));
  return { run, evaluation, rounds, contributions, engine };
}

async function followLive(session: DemoSession, api: ApiClient, runId: string): Promise<SiteContribution[]> {
  const { output, host } = session.context;
  const block = new LiveBlock(output);
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1000;
  const contributions: SiteContribution[] = [];
  let progress: RunProgress = NO_PROGRESS;
  let after = 0;
  for (;;) {
    const page = await api.get(`/v1/runs/${runId}/events?after=${after}&waitSeconds=0`, runEventsResponseSchema);
    const view = await api.get(`/v1/runs/${runId}`, runViewSchema);
    after = page.events.at(-1)?.seq ?? after;
    progress = withView(withEvents(progress, page.events), view);
    contributions.push(...contributionsIn(page.events));
    const isOver = hasEnded(page.state) || view.state === 'paused';
    if (isOver && page.events.length === 0) break;
    block.update(liveLines(progress, seconds()), milestoneText(progress, seconds()));
    await delay(POLL_MS, undefined, { signal: host.signal });
  }
  block.finish(liveLines(progress, seconds()), milestoneText(progress, seconds()));
  return contributions;
}

function failureOf(run: RunView): TributaryError {
  if (run.problem !== null) return fromProblem(run.problem);
  return new TributaryError('RUN_ILLEGAL_TRANSITION', {
    detail: `the run is ${run.state}: ${run.waitingFor ?? 'no reason given'}`,
  });
}
