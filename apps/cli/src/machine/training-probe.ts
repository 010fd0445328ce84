import { createTrainer, type Trainer } from '@tributary/diffusion';
import { embeddingRows } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { demoRecipe } from '../demo/profiles.js';

const WARM_UP_STEPS = 2;

/** Training speed of an engine. */
export interface ProbeResult {
  readonly imagesPerSecond: number;
  /** Time until the first step could run: recording and compiling the graph. */
  readonly compileSeconds: number;
}

/** Trains the quick demo's network on noise for about `seconds`. */
export async function probeTraining(engine: Engine, seconds: number): Promise<ProbeResult> {
  const options = { profile: 'quick', seed: 1, pooled: false } as const;
  const recipe = demoRecipe({ options, classes: PHANTOM_CLASSES, siteCount: 1 });
  const { batchSize } = recipe.rounds;
  const random = randomStream(1, 'probe');
  const images = new Float32Array(batchSize * recipe.image.sizePx ** 2);
  random.fillNormal(images);
  const classRows = new Int32Array(batchSize);
  const compileStartMs = performance.now();
  const trainer = await createTrainer({ engine, recipe, classRows: embeddingRows(recipe, 1) });
  const step = (globalStep: number): ReturnType<Trainer['step']> =>
    trainer.step({ images, classRows, random, globalStep });
  try {
    for (let warmUp = 0; warmUp < WARM_UP_STEPS; warmUp += 1) await step(warmUp);
    const startMs = performance.now();
    let steps = 0;
    while (performance.now() - startMs < 1000 * seconds) {
      await step(WARM_UP_STEPS + steps);
      steps += 1;
    }
    const imagesPerSecond = (1000 * steps * batchSize) / (performance.now() - startMs);
    return { imagesPerSecond, compileSeconds: (startMs - compileStartMs) / 1000 };
  } finally {
    await trainer.dispose();
  }
}
