import { encodePng, imageGrid } from '@tributary/imaging';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import type { SimulatedSite } from '../simulation/simulated-site.js';
import { Synthesis } from '../trainer/synthetic-images.js';

const COLUMNS = 16;
const ZOOM = 3;

/**
 * A picture to look at, as PNG: for every site a row of held-out images and below it synthetic ones of the same classes.
 *
 * @param weights Of the released model, flat in manifest order.
 */
export async function scannerSheet(sites: readonly SimulatedSite[], weights: Float32Array): Promise<Buffer> {
  const rows: Float32Array[] = [];
  for (const { parts } of sites) {
    const { heldOut } = parts.images.split;
    const shown = heldOut.slice(0, COLUMNS);
    const synthesis = await Synthesis.open(parts, weights);
    try {
      const made = await synthesis.make(parts.images.labels(shown), {
        purpose: 'sheet',
        signal: new AbortController().signal,
        onImages: () => undefined,
      });
      rows.push(parts.images.pixels(shown), made.images);
    } finally {
      await synthesis.close();
    }
  }
  const { sizePx, channels } = sites[0]?.parts.run.recipe.image ?? { sizePx: 1, channels: 1 };
  return encodePng(imageGrid({ images: concatenated(rows), sizePx, channels, columns: COLUMNS, zoom: ZOOM }));
}
