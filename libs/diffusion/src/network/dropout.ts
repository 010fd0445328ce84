import type { RandomStream } from '@tributary/tensor';
import { sizeOf } from './parameter.js';
import type { LevelShape, ResidualShape, UNetStructure } from './unet-structure.js';

/** Where a residual block drops: its name and the shape [height, width, channels] of what it drops from. */
export interface DropoutSite {
  readonly name: string;
  readonly shape: readonly [number, number, number];
}

/** Every residual block of a network; each drops from its second activation. */
export function dropoutSites({ config, down, middle, up }: UNetStructure): DropoutSite[] {
  const depth = config.blockOutChannels.length;
  const sideAt = (level: number): number => config.imageSize / 2 ** level;
  const lowest = sideAt(depth - 1);
  return [
    ...down.flatMap((shape, level) => sitesOfLevel(shape, sideAt(level), sideAt(level + 1))),
    siteOf(middle.before, lowest),
    siteOf(middle.after, lowest),
    ...up.flatMap((shape, position) => sitesOfLevel(shape, sideAt(depth - 1 - position), sideAt(depth - 2 - position))),
  ];
}

function sitesOfLevel({ stages, resampler }: LevelShape, side: number, nextSide: number): DropoutSite[] {
  const sites = stages.map(({ residual }) => siteOf(residual, side));
  return resampler && 'conv1' in resampler ? [...sites, siteOf(resampler, nextSide)] : sites;
}

function siteOf({ name, norm2 }: ResidualShape, side: number): DropoutSite {
  return { name, shape: [side, side, norm2.channels] };
}

/**
 * One mask [batch, height, width, channels] a site: 0 with probability `rate`, else 1 / (1 - rate) (Srivastava et al. 2014).
 *
 * @param rate In [0, 1).
 */
export function drawDropoutMasks(
  sites: readonly DropoutSite[],
  { batchSize, rate }: { readonly batchSize: number; readonly rate: number },
  random: RandomStream,
): Record<string, Float32Array> {
  const kept = 1 / (1 - rate);
  return Object.fromEntries(
    sites.map(({ name, shape }) => {
      const mask = new Float32Array(batchSize * sizeOf(shape));
      random.fillUniform(mask);
      return [name, mask.map((uniform) => (uniform < rate ? 0 : kept))];
    }),
  );
}
