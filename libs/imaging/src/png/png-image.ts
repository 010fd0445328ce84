import { PNG } from 'pngjs';
import type { DecodedImage, ImageFile } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';

const WIDTH_OFFSET = 16;
const HEIGHT_OFFSET = 20;
const LARGEST_PIXELS = 2 ** 26;
const RGBA = 4;

/**
 * A PNG file, 1 to 16 bits, grey or colour; transparency is left out. Its slice name is the name of the file.
 *
 * @param name Name of the file without folder and ending.
 * @throws ImageProblem when it cannot be read.
 */
export function readPng(bytes: Uint8Array, name: string): ImageFile {
  return { format: 'png', modality: '', series: '', frames: [{ slice: name, decode: () => decodePng(bytes) }] };
}

function decodePng(bytes: Uint8Array): DecodedImage {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < HEIGHT_OFFSET + 4) throw new ImageProblem('truncated');
  // The header may claim any size: look before the decoder makes room for it.
  if (file.readUInt32BE(WIDTH_OFFSET) * file.readUInt32BE(HEIGHT_OFFSET) > LARGEST_PIXELS)
    throw new ImageProblem('too-large');
  const png = parse(file);
  const count = png.width * png.height;
  const grey = isGrey(png.data, count);
  const channels = grey ? 1 : 3;
  const pixels = new Float32Array(count * channels);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let c = 0; c < channels; c++) pixels[pixel * channels + c] = png.data[pixel * RGBA + c] ?? 0;
  }
  return { widthPx: png.width, heightPx: png.height, channels, pixels, pixelSpacing: { x: 1, y: 1 } };
}

function parse(file: Buffer): { width: number; height: number; data: ArrayLike<number> } {
  try {
    return PNG.sync.read(file, { skipRescale: true });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    throw new ImageProblem(/end of|truncat|unexpected end|not enough|Stream/i.test(message) ? 'truncated' : 'corrupt', {
      cause,
    });
  }
}

function isGrey(rgba: ArrayLike<number>, count: number): boolean {
  for (let pixel = 0; pixel < count; pixel++) {
    const red = rgba[pixel * RGBA];
    if (red !== rgba[pixel * RGBA + 1] || red !== rgba[pixel * RGBA + 2]) return false;
  }
  return true;
}
