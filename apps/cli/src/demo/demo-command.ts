import type { Recipe } from '@tributary/protocol/recipe';
import { PHANTOM_CLASSES } from '@tributary/imaging';
import { resolve } from 'node:path';
import type { Action, CommandContext } from '../command-context.js';
import { parseVerbOptions } from '../verb-options.js';
import { startAgents } from './agents-step.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import { startCoordinator } from './coordinator-step.js';
import { demoOptionsSchema, type DemoOptions } from './demo-options.js';
import type { DemoResult } from './demo-result.js';
import { DemoSession } from './demo-session.js';
import { demoSites, pooledClass } from './demo-sites.js';
import { filmRun } from './film-step.js';
import { openOutputFolder } from './output-folder.js';
import { writePhantoms, type SiteImages } from './phantom-step.js';
import { PROFILES, demoRecipe } from './profiles.js';
import { RUN_STAGE, pullRelease, writeReport } from './report-step.js';
import { runToEnd } from './run-step.js';
import { keptText, resultText } from './demo-text.js';

/** `tributary demo`: the whole thing, on this machine. */
export const runDemoCommand: Action = async (context, { options: typed }) => {
  const options = parseVerbOptions(demoOptionsSchema, typed);
  const profile = PROFILES[options.profile];
  const directory = resolve(context.host.cwd, options.out);
  const folder = await openOutputFolder(directory, { neededBytes: profile.diskBytes });
  const session = new DemoSession(context, options, profile, folder);
  try {
    const { result, coordinator } = await demonstrate(session);
    await endProcesses(session, coordinator);
    context.output.document(result, resultText(result));
  } catch (error) {
    context.output.note('Stopping what was started');
    await session.stopAll();
    if (context.host.signal.aborted) context.output.note(interruptedText(context, options));
    throw error;
  }
};

interface Demonstration {
  readonly result: DemoResult;
  readonly coordinator: RunningCoordinator;
}

async function demonstrate(session: DemoSession): Promise<Demonstration> {
  const startedAtMs = performance.now();
  const hospitals = demoSites(session.options.sites);
  const sites = await session.stage('making phantom patients', () => writePhantoms(session, hospitals));
  const recipe = recipeFor(session, sites);
  const coordinator = await session.stage('starting the coordinator', () => startCoordinator(session));
  await session.stage('enrolling the sites', () => startAgents(session, coordinator, { sites, recipe }));
  const finished = await session.stage(RUN_STAGE, () => runToEnd(session, coordinator, recipe));
  const release = await session.stage('downloading and checking the release', () =>
    pullRelease(session, coordinator, finished.run),
  );
  const request = { runId: finished.run.id, recipe, siteCount: finished.run.sites.length };
  const film = await session.stage('drawing samples', () => filmRun(session, coordinator, request));
  const result = await session.stage('writing the report', () =>
    writeReport(session, { recipe, hospitals, sites, finished, release, film, startedAtMs }),
  );
  return { result, coordinator };
}

function recipeFor({ options }: DemoSession, sites: readonly SiteImages[]): Recipe {
  const hospitals = demoSites(options.sites);
  const classes = options.pooled
    ? hospitals.flatMap(({ name }) => PHANTOM_CLASSES.map((className) => pooledClass(name, className)))
    : PHANTOM_CLASSES;
  return demoRecipe({ options, classes, siteCount: options.pooled ? hospitals.length : sites.length });
}

async function endProcesses(session: DemoSession, coordinator: RunningCoordinator): Promise<void> {
  if (!session.options.keep) {
    session.context.output.note('Stopping coordinator and agents');
    await session.stopAll();
    return;
  }
  for (const each of session.processes) each.release();
  session.context.output.note(keptText(coordinator, session.processIds));
}

function interruptedText({ output }: CommandContext, { out }: DemoOptions): string {
  const again = `tributary demo --out ${out}`;
  return output.format === 'text'
    ? `Interrupted. ${out} keeps logs and state so far; \`${again}\` starts afresh in it, or delete the folder.`
    : `Interrupted; ${again} starts afresh.`;
}
