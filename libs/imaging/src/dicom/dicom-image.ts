import dicomParser, { type DataSet } from 'dicom-parser';
import type { DecodedImage, ImageFile } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';
import { toAnatomicalView } from '../geometry/anatomical-view.js';
import { applyPalette, expandYbr422, ybrToRgb } from './colour.js';
import {
  imageOrientation,
  pixelSpacing,
  readPixelAttributes,
  rescale,
  type PixelAttributes,
} from './dicom-attributes.js';
import { EXPLICIT_BIG_ENDIAN, parseDicom, pixelElement, type DicomFile } from './dicom-dataset.js';
import { decodeRunLength } from './run-length.js';
import { frameSizeBytes, storedPixels, type FrameBytes } from './stored-pixels.js';

const RUN_LENGTH = '1.2.840.10008.1.2.5';
const UNCOMPRESSED = new Set([
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.1',
  '1.2.840.10008.1.2.1.99',
  EXPLICIT_BIG_ENDIAN,
]);

/**
 * A DICOM file of one or many frames, uncompressed or run-length encoded; values after rescale slope and intercept,
 * MONOCHROME1 inverted, colour as RGB of 0 to 255.
 *
 * A frame's slice name is its instance number; with several frames `instance.frame`, counted from 1.
 *
 * @throws ImageProblem when the file has no image that can be read.
 */
export function readDicom(bytes: Uint8Array): ImageFile {
  const file = parseDicom(bytes);
  const { dataSet } = file;
  if (pixelElement(dataSet) === undefined) {
    throw new ImageProblem(dataSet.elements['x00280010'] === undefined ? 'no-pixels' : 'truncated');
  }
  if (!UNCOMPRESSED.has(file.transferSyntax) && file.transferSyntax !== RUN_LENGTH) {
    throw new ImageProblem('unsupported-transfer-syntax');
  }
  const attributes = readPixelAttributes(dataSet);
  checkLength(file, attributes);
  const instance = String(dataSet.intString('x00200013') ?? 1);
  const text = (tag: string): string | undefined => dataSet.string(tag)?.trim() || undefined;
  return {
    format: 'dicom',
    modality: text('x00080060') ?? '',
    patient: text('x00100020'),
    study: text('x0020000d'),
    series: text('x0020000e') ?? '',
    frames: Array.from({ length: attributes.numberOfFrames }, (_, frame) => ({
      slice: attributes.numberOfFrames === 1 ? instance : `${instance}.${frame + 1}`,
      decode: () => decodeFrame(file, attributes, frame),
    })),
  };
}

/** A header may claim any number of frames; the bytes must be there before anything is made of that size. */
function checkLength({ dataSet, transferSyntax }: DicomFile, attributes: PixelAttributes): void {
  const element = pixelElement(dataSet);
  if (element === undefined) throw new ImageProblem('no-pixels');
  if (transferSyntax === RUN_LENGTH) {
    if ((element.fragments?.length ?? 0) < attributes.numberOfFrames) throw new ImageProblem('truncated');
    return;
  }
  const available = Math.min(element.length, dataSet.byteArray.length - element.dataOffset);
  if (available < frameSizeBytes(attributes) * attributes.numberOfFrames) throw new ImageProblem('truncated');
}

function decodeFrame(file: DicomFile, attributes: PixelAttributes, frame: number): DecodedImage {
  const { dataSet } = file;
  const { pixels, channels } = colourOf(dataSet, attributes, frameBytes(file, attributes, frame));
  const { slope, intercept } = rescale(dataSet, frame);
  const image: DecodedImage = {
    widthPx: attributes.columns,
    heightPx: attributes.rows,
    channels,
    pixels: channels === 1 ? pixels.map((value) => slope * value + intercept) : pixels,
    pixelSpacing: pixelSpacing(dataSet, frame),
  };
  const orientation = imageOrientation(dataSet, frame);
  if (orientation === undefined) return image;
  const [alongX = 1, alongY = 0, alongZ = 0, downX = 0, downY = 1, downZ = 0] = orientation;
  return toAnatomicalView(image, [alongX, alongY, alongZ], [downX, downY, downZ]);
}

function frameBytes({ dataSet, transferSyntax }: DicomFile, attributes: PixelAttributes, frame: number): FrameBytes {
  const element = pixelElement(dataSet);
  if (element === undefined) throw new ImageProblem('no-pixels');
  if (transferSyntax === RUN_LENGTH) {
    const bytes = decodeRunLength(encapsulatedFrame(dataSet, frame), {
      pixels: attributes.rows * attributes.columns,
      bytesPerSample: attributes.bitsAllocated / 8,
      samples: attributes.samplesPerPixel,
    });
    return { bytes, littleEndian: true, attributes, planar: true, numbers: 'integer' };
  }
  const size = frameSizeBytes(attributes);
  const start = element.dataOffset + frame * size;
  return {
    bytes: dataSet.byteArray.subarray(start, start + size),
    littleEndian: transferSyntax !== EXPLICIT_BIG_ENDIAN,
    attributes,
    planar: attributes.planar,
    numbers: element.tag === 'x7fe00010' ? 'integer' : 'float',
  };
}

function encapsulatedFrame(dataSet: DataSet, frame: number): Uint8Array {
  const element = dataSet.elements['x7fe00010'];
  if (element === undefined) throw new ImageProblem('no-pixels');
  try {
    const offsets = element.basicOffsetTable ?? [];
    return offsets.length > 0
      ? dicomParser.readEncapsulatedImageFrame(dataSet, element, frame)
      : dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, frame);
  } catch (cause) {
    throw new ImageProblem('corrupt', { cause });
  }
}

function colourOf(
  dataSet: DataSet,
  attributes: PixelAttributes,
  frame: FrameBytes,
): { pixels: Float32Array; channels: 1 | 3 } {
  switch (attributes.photometric) {
    case 'MONOCHROME1':
      return { pixels: invert(storedPixels(frame), attributes), channels: 1 };
    case 'MONOCHROME2':
      return { pixels: storedPixels(frame), channels: 1 };
    case 'PALETTE COLOR':
      return { pixels: applyPalette(dataSet, storedPixels(frame)), channels: 3 };
    case 'RGB':
      return { pixels: toBytes(storedPixels(frame), attributes), channels: 3 };
    case 'YBR_FULL':
      return { pixels: ybrToRgb(toBytes(storedPixels(frame), attributes)), channels: 3 };
    case 'YBR_FULL_422':
      return { pixels: ybrToRgb(expandYbr422(frame.bytes, attributes.rows * attributes.columns)), channels: 3 };
    default:
      throw new ImageProblem('unsupported-pixels');
  }
}

/** MONOCHROME1 shows small values bright: mirrored within the range that the stored bits can express. */
function invert(stored: Float32Array, { bitsStored, signed }: PixelAttributes): Float32Array {
  const mirror = signed ? -1 : 2 ** bitsStored - 1;
  return stored.map((value) => mirror - value);
}

/** Colour of more than 8 bits to 0 … 255. */
function toBytes(stored: Float32Array, { bitsStored }: PixelAttributes): Float32Array {
  return bitsStored <= 8 ? stored : stored.map((value) => (value * 255) / (2 ** bitsStored - 1));
}
