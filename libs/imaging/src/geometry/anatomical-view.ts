import type { DecodedImage } from '../folder/image-file.js';

/** Towards the left, back, top of the patient, as DICOM counts. */
export type Direction = readonly [left: number, back: number, top: number];

/**
 * Turns and flips an image so that every series is seen the usual way: axial with the front at the top and the patient's
 * right at the left, coronal with the top at the top and the right at the left, sagittal with the top at the top and the
 * front at the left. Oblique planes go by their nearest axes.
 *
 * @param along Direction in which columns are counted; @param down direction in which rows are counted.
 */
export function toAnatomicalView(image: DecodedImage, along: Direction, down: Direction): DecodedImage {
  const horizontal = dominantAxis(along);
  const vertical = dominantAxis(down, horizontal);
  // Left–right lies across, top–bottom lies down; the front–back axis takes what is left.
  const transposed = horizontal > vertical;
  const turned = transposed ? transpose(image) : image;
  const [across, below] = transposed ? [down, along] : [along, down];
  const flipAcross = across[transposed ? vertical : horizontal] < 0;
  const belowAxis = transposed ? horizontal : vertical;
  // Rows run to the back, but from top to bottom.
  const flipDown = belowAxis === TOP ? below[belowAxis] > 0 : below[belowAxis] < 0;
  return flip(turned, flipAcross, flipDown);
}

type Axis = 0 | 1 | 2;
const AXES: readonly Axis[] = [0, 1, 2];
const TOP: Axis = 2;

function dominantAxis(direction: Direction, taken?: Axis): Axis {
  const free = AXES.filter((axis) => axis !== taken);
  return free.reduce(
    (best, axis) => (Math.abs(direction[axis]) > Math.abs(direction[best]) ? axis : best),
    free[0] ?? 0,
  );
}

function transpose(image: DecodedImage): DecodedImage {
  const { widthPx, heightPx, channels } = image;
  const pixels = new Float32Array(image.pixels.length);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      for (let c = 0; c < channels; c++) {
        pixels[(x * heightPx + y) * channels + c] = image.pixels[(y * widthPx + x) * channels + c] ?? 0;
      }
    }
  }
  const pixelSpacing = { x: image.pixelSpacing.y, y: image.pixelSpacing.x };
  return { ...image, widthPx: heightPx, heightPx: widthPx, pixels, pixelSpacing };
}

function flip(image: DecodedImage, across: boolean, down: boolean): DecodedImage {
  if (!across && !down) return image;
  const { widthPx, heightPx, channels } = image;
  const pixels = new Float32Array(image.pixels.length);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const from = (down ? heightPx - 1 - y : y) * widthPx + (across ? widthPx - 1 - x : x);
      for (let c = 0; c < channels; c++) {
        pixels[(y * widthPx + x) * channels + c] = image.pixels[from * channels + c] ?? 0;
      }
    }
  }
  return { ...image, pixels };
}
