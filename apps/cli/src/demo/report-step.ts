import type { RunView } from '@tributary/protocol/http';
import { spreadSchema } from '@tributary/evaluation/scores/spread';
import type { PhantomSite } from '@tributary/imaging';
import type { Recipe } from '@tributary/protocol/recipe';
import { z } from 'zod';
import { pullModel } from '../models/download/pull-model.js';
import type { VerifiedModel } from '../models/folder/verify-model.js';
import type { ReportData, ReportSite } from '../report/report-data.js';
import { reportPage } from '../report/report-page.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import { demoResultSchema, type DemoResult } from './demo-result.js';
import type { DemoSession } from './demo-session.js';
import { isLesion } from './demo-sites.js';
import type { Film } from './film-step.js';
import type { SiteImages } from './phantom-step.js';
import { classComparisons, contactSheet, filmFrames } from './pictures.js';
import type { FinishedRun } from './run-step.js';
import { runStages } from './run-stages.js';
import { bytesSentBy } from './site-contributions.js';

/** The stage whose time `runStages` divides further. */
export const RUN_STAGE = 'training and evaluation';

const RARE_CLASS = 'lesion';

const utilitySchema = z.object({
  realOnly: spreadSchema,
  withSynthetic: spreadSchema,
  trainLesions: z.int(),
  syntheticLesions: z.int(),
  testLesions: z.int(),
});

/** Everything that the demo has found out. */
export interface DemoFindings {
  readonly recipe: Recipe;
  readonly hospitals: readonly PhantomSite[];
  readonly sites: readonly SiteImages[];
  readonly finished: FinishedRun;
  readonly release: VerifiedModel;
  readonly film: Film;
  readonly startedAtMs: number;
}

/** Downloads the release like any researcher would, and checks it. */
export function pullRelease(
  { folder, context }: DemoSession,
  { api }: RunningCoordinator,
  run: RunView,
): Promise<VerifiedModel> {
  context.output.note('Downloading and checking the release');
  return pullModel(api, { reference: { runId: run.id, round: null }, directory: folder.of('release') });
}

/** Writes samples.png, report.html and result.json, each whole or not at all. */
export async function writeReport(session: DemoSession, findings: DemoFindings): Promise<DemoResult> {
  const { folder, context } = session;
  context.output.note('Writing the report');
  const { recipe, film, finished, sites } = findings;
  const result = demoResultSchema.parse(resultOf(session, findings));
  const data: ReportData = {
    result,
    finishedAt: new Date(),
    recipeSha256: finished.run.recipeSha256,
    sites: reportSites(findings),
    contributions: finished.contributions,
    film: filmFrames(recipe, film, finished.run.sites.length),
    filmLegend: filmLegendOf(recipe, findings),
    comparisons: await classComparisons(recipe, film.sheet, sites),
  };
  await folder.writeFile('samples.png', contactSheet(recipe, film.sheet));
  await folder.writeFile('report.html', reportPage(data));
  await folder.writeFile('result.json', `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

function resultOf({ options, folder, stageSeconds }: DemoSession, findings: DemoFindings): DemoResult {
  const { finished, sites, release, startedAtMs } = findings;
  const { run, evaluation, rounds } = finished;
  const utility = utilitySchema.safeParse(evaluation.utility);
  return {
    outDir: folder.path,
    profile: options.profile,
    seed: options.seed,
    pooled: options.pooled,
    runId: run.id,
    sites: sites.map(({ id, images, patients, classes }) => ({ id, images, patients, classes: { ...classes } })),
    rounds: rounds
      .filter(({ kind, state }) => kind === 'train' && state === 'published')
      .map(({ n, answered, declined, seconds, loss }) => ({ n, answered, declined, seconds: seconds ?? 0, loss })),
    engine: finished.engine,
    scores: { before: evaluation.before, after: evaluation.after },
    utility: {
      realOnly: utility.data?.realOnly ?? null,
      withSynthetic: utility.data?.withSynthetic ?? null,
      rareClass: RARE_CLASS,
      trainLesions: utility.data?.trainLesions ?? null,
      syntheticLesions: utility.data?.syntheticLesions ?? null,
      testLesions: utility.data?.testLesions ?? null,
    },
    slabShare: evaluation.slabShare,
    // Of one site every image keeps its scanner: nothing would be measured.
    siteShare: run.sites.length > 1 ? evaluation.siteShare : null,
    realClassShare: evaluation.realClassShare,
    realSiteShare: run.sites.length > 1 ? evaluation.realSiteShare : null,
    realFd: evaluation.realFd ?? null,
    diversity: evaluation.diversity ?? null,
    heldOutImages: evaluation.heldOutImages,
    syntheticImages: evaluation.syntheticImages,
    bytesUp: rounds.reduce((sum, { bytesUp }) => sum + bytesUp, 0),
    release: { version: release.version, sha256: release.weightsSha256, path: folder.of('release'), verified: true },
    samples: { png: folder.of('samples.png') },
    report: folder.of('report.html'),
    stages: stageSeconds.flatMap((each) => (each.stage === RUN_STAGE ? runStages(run, rounds) : [each])),
    seconds: (performance.now() - startedAtMs) / 1000,
  };
}

function reportSites({ sites, hospitals, finished }: DemoFindings): ReportSite[] {
  return sites.map((site) => {
    const hospital = hospitals.find(({ name }) => name === site.id);
    const lesions = Object.entries(site.classes).filter(([name]) => isLesion(name));
    return {
      id: site.id,
      images: site.images,
      patients: site.patients,
      lesionImages: lesions.reduce((sum, [, count]) => sum + count, 0),
      scanner: hospital?.scanner ?? 'all of them',
      fileFormat: hospital?.format === 'nifti' ? 'NIfTI' : 'DICOM',
      imageBytes: site.sizeBytes,
      sentBytes: bytesSentBy(site.id, finished.contributions),
    };
  });
}

function filmLegendOf(recipe: Recipe, { sites }: DemoFindings): string {
  const rows = recipe.classes.filter((name) => !isLesion(name)).join(', ');
  const columns = recipe.conditioning.site ? `Columns: ${sites.map(({ id }) => id).join(', ')}. ` : '';
  return `${columns}Rows: ${rows}.`;
}
