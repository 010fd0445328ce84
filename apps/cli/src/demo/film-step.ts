import { TributaryError } from '@tributary/protocol/errors';
import { modelVersionSchema } from '@tributary/protocol/http';
import type { Recipe } from '@tributary/protocol/recipe';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fetchBlob } from '../http/fetch-blob.js';
import { Progress } from '../output/progress.js';
import { codedErrorIn } from '../processes/coded-output.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import type { DemoSession } from './demo-session.js';
import { filmMessageSchema, type FilmJob } from './film-job.js';
import { filmCells, filmedRoundsOf, rowsOf, sheetCells, type SampleCell } from './film-plan.js';

const FILM_PROCESS = fileURLToPath(new URL('./film-process.js', import.meta.url));
const MOST_THREADS = 4;

/** Images that belong to cells, in their order. */
export interface DrawnImages {
  readonly cells: readonly SampleCell[];
  /** `[cells, sizePx, sizePx, channels]`, -1 to 1. */
  readonly images: Float32Array;
}

export interface Film {
  readonly frames: readonly (DrawnImages & { readonly round: number })[];
  readonly sheet: DrawnImages;
}

interface FilmRequest {
  readonly runId: string;
  readonly recipe: Recipe;
  readonly siteCount: number;
}

/** Draws the same seeds with the shared model after chosen rounds, and the contact sheet with the released one. */
export async function filmRun(
  session: DemoSession,
  { api }: RunningCoordinator,
  { runId, recipe, siteCount }: FilmRequest,
): Promise<Film> {
  const { folder } = session;
  const rounds = filmedRoundsOf(recipe);
  const cells = filmCells(recipe, siteCount);
  const sheet = sheetCells(recipe, siteCount);
  const frames: FilmJob['frames'] = [];
  for (const round of rounds) {
    const { ema } = await api.get(`/v1/models/${runId}/${round}`, modelVersionSchema);
    const weightsFile = folder.of('film', `round-${round}.safetensors`);
    await fetchBlob(api, { sha256: ema.sha256, path: weightsFile });
    frames.push(frameOf(folder.of('film', `round-${round}.f32`), { round, weightsFile, recipe, cells }));
  }
  const lastWeights = folder.of('film', `round-${recipe.rounds.count}.safetensors`);
  const sheetFile = folder.of('film', 'sheet.f32');
  frames.push(frameOf(sheetFile, { round: recipe.rounds.count, weightsFile: lastWeights, recipe, cells: sheet }));
  await draw(session, { recipe, siteCount, threads: Math.min(MOST_THREADS, availableParallelism()), frames });
  return {
    frames: await Promise.all(
      rounds.map(async (round) => ({
        round,
        cells,
        images: await readImages(folder.of('film', `round-${round}.f32`)),
      })),
    ),
    sheet: { cells: sheet, images: await readImages(sheetFile) },
  };
}

interface FrameRequest {
  readonly round: number;
  readonly weightsFile: string;
  readonly recipe: Recipe;
  readonly cells: readonly SampleCell[];
}

function frameOf(imagesFile: string, { round, weightsFile, recipe, cells }: FrameRequest): FilmJob['frames'][number] {
  return { round, weightsFile, imagesFile, seeds: cells.map(({ seed }) => seed), classRows: rowsOf(recipe, cells) };
}

/** Runs the job in its own process and shows how far it is. */
async function draw({ context, folder }: DemoSession, job: FilmJob): Promise<void> {
  const jobFile = folder.of('film', 'job.json');
  await writeFile(jobFile, JSON.stringify(job));
  const total = job.frames.reduce((sum, { seeds }) => sum + seeds.length, 0);
  const progress = new Progress(context.output, { label: 'Drawing samples', total, unit: 'images' });
  progress.update(0);
  const child = spawn(process.execPath, [FILM_PROCESS, jobFile], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal: context.host.signal,
  });
  let finishedFrames = 0;
  let lastLine = '';
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    lastLine = line;
    const share = shareIn(line);
    if (share === 1) finishedFrames += 1;
    progress.update(Math.round(imagesBefore(job, finishedFrames) + partOf(job, finishedFrames, share)));
  }
  if ((await ended) !== 0) {
    if (context.host.signal.aborted) throw new TributaryError('INTERRUPTED');
    throw codedErrorIn(lastLine) ?? new TributaryError('PROCESS_ENDED', { detail: 'the sampling process' });
  }
  progress.finish();
}

function shareIn(line: string): number {
  if (!line.startsWith('{"round"')) return 0;
  return filmMessageSchema.safeParse(JSON.parse(line)).data?.share ?? 0;
}

function imagesBefore({ frames }: FilmJob, count: number): number {
  return frames.slice(0, count).reduce((sum, { seeds }) => sum + seeds.length, 0);
}

function partOf({ frames }: FilmJob, index: number, share: number): number {
  return share < 1 ? share * (frames[index]?.seeds.length ?? 0) : 0;
}

async function readImages(file: string): Promise<Float32Array> {
  const bytes = await readFile(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
