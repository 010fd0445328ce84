import { text } from 'node:stream/consumers';
import { initialParameters, networkManifest } from '@tributary/diffusion/initial-model';
import { FloatFileSink } from '@tributary/federation/vectors/float-file-sink';
import { recipeSchema } from '@tributary/protocol';
import { z } from 'zod';

const orderSchema = z.object({ recipe: recipeSchema, siteCount: z.int().min(1), path: z.string() });

/**
 * A process of its own, because a large model takes seconds that the serving process must not spend: reads the order from
 * stdin, writes the weights, answers with their manifest and hash on stdout. Its memory is that of the largest parameter.
 */
async function makeInitialModel(): Promise<void> {
  const { recipe, siteCount, path } = orderSchema.parse(JSON.parse(await text(process.stdin)));
  const manifest = networkManifest(recipe, siteCount);
  const sink = await FloatFileSink.create(path, manifest);
  try {
    for (const values of initialParameters(recipe, siteCount)) await sink.write(values);
    process.stdout.write(JSON.stringify({ manifest, ...(await sink.commit()) }));
  } finally {
    await sink.discard();
  }
}

await makeInitialModel();
