import type { DecodedImage } from '../folder/image-file.js';
import { readImageFile } from '../folder/image-format.js';
import { ImageProblem } from '../folder/image-problem.js';
import { withChannels } from '../geometry/channels.js';
import { fitSquare } from '../geometry/fit-square.js';
import {
  seriesWindow,
  toUnitRange,
  type IntensityRecipe,
  type IntensityWindow,
} from '../intensity/intensity-window.js';

export interface ReadPictureOptions {
  readonly imageSizePx: number;
  readonly channels: 1 | 3;
  /** For files with values of their own; a PNG's black and white are -1 and 1. */
  readonly intensity: IntensityRecipe;
}

const PNG_DEPTH_OFFSET = 24;
const PNG_COLOUR_TYPE_OFFSET = 25;
const PALETTE = 3;

/**
 * One image at a model's size, such as `tributary generate` starts from: `[imageSizePx, imageSizePx, channels]`, -1 to 1.
 *
 * @throws ImageProblem when the file has no image that can be read, or more than one.
 */
export async function readPicture(
  bytes: Uint8Array,
  { imageSizePx, channels, intensity }: ReadPictureOptions,
): Promise<Float32Array> {
  const { image, format } = await onlyImage(bytes);
  const window = format === 'png' ? pngRange(bytes) : seriesWindow(intensity, image.pixels);
  const { pixels, inside } = fitSquare(withChannels(image, channels), imageSizePx);
  return pixels.map((value, i) => {
    const column = Math.floor(i / channels) % imageSizePx;
    const row = Math.floor(i / channels / imageSizePx);
    const isInside =
      column >= inside.left &&
      column < inside.left + inside.widthPx &&
      row >= inside.top &&
      row < inside.top + inside.heightPx;
    return isInside ? toUnitRange(value, window) : -1;
  });
}

/** Width, height and channels of a picture; one whose colours are all grey has one channel, however it is stored. */
export type PictureShape = Pick<DecodedImage, 'widthPx' | 'heightPx' | 'channels'>;

/**
 * What a file holds before `readPicture` fits it to a model.
 *
 * @throws ImageProblem when the file has no image that can be read, or more than one.
 */
export async function pictureShape(bytes: Uint8Array): Promise<PictureShape> {
  const { widthPx, heightPx, channels } = (await onlyImage(bytes)).image;
  return { widthPx, heightPx, channels };
}

async function onlyImage(bytes: Uint8Array): Promise<{ readonly image: DecodedImage; readonly format: string }> {
  const { frames, format } = await readImageFile(bytes, '');
  const [frame, ...more] = frames;
  if (frame === undefined || more.length > 0) throw new ImageProblem('unsupported-format');
  return { image: frame.decode(), format };
}

/** Values of a PNG go from 0 to 2^depth - 1; those of a palette are bytes. */
function pngRange(bytes: Uint8Array): IntensityWindow {
  const depth = bytes[PNG_COLOUR_TYPE_OFFSET] === PALETTE ? 8 : (bytes[PNG_DEPTH_OFFSET] ?? 8);
  return { low: 0, high: 2 ** depth - 1 };
}
