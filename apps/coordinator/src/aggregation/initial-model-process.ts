import { text } from 'node:stream/consumers';
import { initialParameters, networkManifest, startingWeights } from '@tributary/diffusion/initial-model';
import { FloatFileSink } from '@tributary/federation/vectors/float-file-sink';
import { TributaryError, recipeSchema, toProblem } from '@tributary/protocol';
import { z } from 'zod';
import { blobBytesOpener, blobSettingsSchema } from '../platform/blobs/open-blob-bytes.js';

const orderSchema = z.object({
  recipe: recipeSchema,
  siteCount: z.int().min(1),
  path: z.string(),
  /** The file that the recipe starts from. */
  startFrom: z.object({ address: z.string(), settings: blobSettingsSchema }).optional(),
});
type Order = z.infer<typeof orderSchema>;

/**
 * A process of its own, because a large model takes seconds that the serving process must not spend: reads the order from
 * stdin, writes the weights, answers on stdout with their manifest and hash, or with what is wrong with the file to start from.
 * Its memory is that of the largest parameter.
 */
async function makeInitialModel(order: Order): Promise<object> {
  const manifest = networkManifest(order.recipe, order.siteCount);
  const sink = await FloatFileSink.create(order.path, manifest);
  try {
    for await (const values of firstParameters(order)) await sink.write(values);
    return { manifest, ...(await sink.commit()) };
  } finally {
    await sink.discard();
  }
}

async function* firstParameters({ recipe, siteCount, startFrom }: Order): AsyncGenerator<Float32Array, void> {
  if (startFrom === undefined) {
    yield* initialParameters(recipe, siteCount);
    return;
  }
  const open = await blobBytesOpener(startFrom.settings);
  const bytes = await open(startFrom.address);
  try {
    const weights = await startingWeights(recipe, siteCount, bytes);
    yield* weights.values();
  } finally {
    await bytes.close();
  }
}

const answer = await makeInitialModel(orderSchema.parse(JSON.parse(await text(process.stdin)))).catch(
  (error: unknown) => {
    if (error instanceof TributaryError) return { problem: toProblem(error) };
    throw error;
  },
);
process.stdout.write(JSON.stringify(answer));
