import { createSampler } from '@tributary/diffusion';
import { toProblem } from '@tributary/protocol/problem';
import { embeddingRows } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { readFile } from 'node:fs/promises';
import { readFlatWeights } from '../models/folder/weights-file.js';
import { writeWholeFile } from '../whole-file.js';
import { filmJobSchema, type FilmJob, type FilmMessage } from './film-job.js';

/**
 * Draws the samples of a film job: its own process, so that the live view never waits for a sampler.
 * Usage: `node film-process.js JOB_FILE`; progress as one JSON a line, a failure as a JSON problem.
 */
async function main(jobFile: string): Promise<void> {
  const { recipe, siteCount, threads, frames } = filmJobSchema.parse(JSON.parse(await readFile(jobFile, 'utf8')));
  const engine = await openEngine({ name: 'auto', threads });
  const classRows = embeddingRows(recipe, siteCount);
  const generator = await createSampler({ engine, recipe, classRows, weights: await weightsOf(frames[0]) });
  for (const frame of frames) {
    generator.setWeights(await weightsOf(frame));
    const images = await generator.generate({
      seeds: frame.seeds,
      classRows: Int32Array.from(frame.classRows),
      onProgress: ({ movesDone, movesTotal }) => tell({ round: frame.round, share: movesDone / (movesTotal + 1) }),
    });
    await writeImages(frame, images);
    tell({ round: frame.round, share: 1 });
  }
  await generator.dispose();
  await engine.dispose();
}

async function weightsOf(frame: FilmJob['frames'][number] | undefined): Promise<Float32Array> {
  if (frame === undefined) throw new RangeError('a film job has at least one frame');
  return (await readFlatWeights(frame.weightsFile)).values;
}

async function writeImages({ imagesFile }: FilmJob['frames'][number], images: readonly Float32Array[]): Promise<void> {
  const bytes = images.map((image) => new Uint8Array(image.buffer, image.byteOffset, image.byteLength));
  await writeWholeFile(imagesFile, Buffer.concat(bytes));
}

function tell(message: FilmMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  process.stdout.write(`${JSON.stringify(toProblem(error))}\n`);
  process.exitCode = 1;
}
