import { createSampler } from '@tributary/diffusion';
import { initialModel } from '@tributary/diffusion/initial-model';
import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { embeddingRows } from '@tributary/protocol/recipe';
import type { Engine } from '@tributary/tensor';
import { demoRecipe } from '../demo/profiles.js';

const BATCH = 16;
const SITES = 3;

/** Images a second that the quick demo's network makes with its own sampler, measured for about `seconds`. */
export async function probeSampling(engine: Engine, seconds: number): Promise<number> {
  const options = { profile: 'quick', seed: 1, pooled: false } as const;
  const recipe = demoRecipe({ options, classes: PHANTOM_CLASSES, siteCount: SITES });
  const { weights } = initialModel(recipe, SITES);
  const generator = await createSampler({ engine, recipe, classRows: embeddingRows(recipe, SITES), weights });
  const request = {
    seeds: Array.from({ length: BATCH }, (_, seed) => seed),
    classRows: Int32Array.from({ length: BATCH }, (_, index) => index),
    batchSize: BATCH,
  };
  try {
    await generator.generate({ ...request, steps: 1 });
    const startMs = performance.now();
    let images = 0;
    while (performance.now() - startMs < 1000 * seconds) {
      await generator.generate(request);
      images += BATCH;
    }
    return (1000 * images) / (performance.now() - startMs);
  } finally {
    await generator.dispose();
  }
}
