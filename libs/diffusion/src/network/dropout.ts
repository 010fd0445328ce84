import type { RandomStream } from '@tributary/random';
import { sizeOf } from './parameter.js';
import { spatialSize } from './unet-config.js';
import type { LevelShape, ResidualShape, UNetStructure } from './unet-structure.js';

/** Where a residual block drops: its name and the shape [height, width, channels], or [depth, …], of what it drops from. */
export interface DropoutSite {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every residual block of a network; each drops from its second activation. */
export function dropoutSites({ config, down, middle, up }: UNetStructure): DropoutSite[] {
  const lowest = config.blockOutChannels.length - 1;
  const siteOf = ({ name, norm2 }: ResidualShape, level: number): DropoutSite => ({
    name,
    shape: [...spatialSize(config, level), norm2.channels],
  });
  const sitesOfLevel = ({ stages, resampler }: LevelShape, level: number, nextLevel: number): DropoutSite[] => {
    const sites = stages.map(({ residual }) => siteOf(residual, level));
    return resampler && 'conv1' in resampler ? [...sites, siteOf(resampler, nextLevel)] : sites;
  };
  return [
    ...down.flatMap((shape, level) => sitesOfLevel(shape, level, level + 1)),
    siteOf(middle.before, lowest),
    siteOf(middle.after, lowest),
    ...up.flatMap((shape, position) => sitesOfLevel(shape, lowest - position, lowest - position - 1)),
  ];
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
