import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { endianness } from 'node:os';
import { text } from 'node:stream/consumers';
import { initialModel } from '@tributary/diffusion/initial-model';
import { recipeSchema } from '@tributary/protocol';
import { manifestLocations } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { z } from 'zod';

const orderSchema = z.object({ recipe: recipeSchema, siteCount: z.int().min(1), path: z.string() });

/**
 * A process of its own, because a large model takes seconds and memory that the serving process must not spend: reads
 * the order from stdin, writes the weights, answers with their manifest and hash on stdout.
 */
async function makeInitialModel(): Promise<void> {
  if (endianness() !== 'LE') throw new Error('safetensors files are little-endian, and so must this machine be');
  const { recipe, siteCount, path } = orderSchema.parse(JSON.parse(await text(process.stdin)));
  const { manifest, weights } = initialModel(recipe, siteCount);
  const bytes = Buffer.concat([
    encodeSafetensorsHeader(manifestLocations(manifest)),
    Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength),
  ]);
  await writeDurably(path, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  process.stdout.write(JSON.stringify({ manifest, sha256, sizeBytes: bytes.length }));
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

await makeInitialModel();
