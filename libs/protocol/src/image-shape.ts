import type { Recipe } from './recipe.js';

export interface ImageShape {
  readonly sizePx: number;
  /** Slices of a volume. */
  readonly depthPx?: number | undefined;
  readonly channels: number;
}

/** Sizes of one image: [height, width, channels], or [depth, height, width, channels] for a volume. */
export function imageShape({ sizePx, depthPx, channels }: ImageShape): number[] {
  return [...(depthPx === undefined ? [] : [depthPx]), sizePx, sizePx, channels];
}

/** Numbers that one image consists of. */
export function imageValues(image: ImageShape): number {
  return imageShape(image).reduce((product, length) => product * length, 1);
}

/** Channels of the image that the network sees beside the noisy one; 0 without such a condition. */
export function conditionChannels({ image, conditioning }: Pick<Recipe, 'image' | 'conditioning'>): number {
  if (conditioning.image === undefined) return 0;
  return conditioning.image.kind === 'given' ? conditioning.image.channels : image.channels;
}
