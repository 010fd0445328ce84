import dicomParser, { type DataSet } from 'dicom-parser';
import type { DecodedImage, ImageFile } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';
import { toAnatomicalView } from '../geometry/anatomical-view.js';
import { applyPalette, expandYbr422, ybrToRgb } from './colour.js';
import {
  imageOrientation,
  paddingRange,
  pixelSpacing,
  readPixelAttributes,
  rescale,
  type PixelAttributes,
} from './dicom-attributes.js';
import { EXPLICIT_BIG_ENDIAN, parseDicom, pixelElement, type DicomFile } from './dicom-dataset.js';
import { lookUp, readLookupTable } from './lookup-table.js';
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
  const bytes = frameBytes(file, attributes, frame);
  const colour = COLOUR_MODELS[attributes.photometric];
  const grey = GREY_MODELS.has(attributes.photometric);
  if (colour === undefined && !grey) throw new ImageProblem('unsupported-pixels');
  const image: DecodedImage = {
    widthPx: attributes.columns,
    heightPx: attributes.rows,
    channels: colour === undefined ? 1 : 3,
    pixels: colour === undefined ? greyPixels(dataSet, frame, bytes) : colour(dataSet, bytes),
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
    return { bytes, littleEndian: true, swapped: false, attributes, planar: true, numbers: 'integer' };
  }
  const size = frameSizeBytes(attributes);
  const start = element.dataOffset + frame * size;
  const littleEndian = transferSyntax !== EXPLICIT_BIG_ENDIAN;
  const swapped = !littleEndian && attributes.bitsAllocated === 8 && element.vr === 'OW';
  return {
    // A word more than the frame when bytes are swapped and the frame ends within a word.
    bytes: dataSet.byteArray.subarray(start, start + size + (swapped ? size % 2 : 0)),
    littleEndian,
    swapped,
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

const GREY_MODELS = new Set(['MONOCHROME1', 'MONOCHROME2']);

/** Real values: stored ones through the modality's table or slope and intercept, padding as dark as the darkest. */
function greyPixels(dataSet: DataSet, frame: number, bytes: FrameBytes): Float32Array {
  const { attributes } = bytes;
  const stored = storedPixels(bytes);
  const toReal = modalityTransformation(dataSet, frame, attributes.signed);
  const mirror = attributes.signed ? -1 : 2 ** attributes.bitsStored - 1;
  // MONOCHROME1 shows small values bright: mirrored within the range that the stored bits can express.
  const real = stored.map((value) => toReal(attributes.photometric === 'MONOCHROME1' ? mirror - value : value));
  const padding = paddingRange(dataSet);
  if (padding === undefined) return real;
  const isPadding = (value: number): boolean => value >= padding.low && value <= padding.high;
  const darkest = real.reduce((low, value, at) => (isPadding(stored[at] ?? 0) ? low : Math.min(low, value)), Infinity);
  if (darkest === Infinity) return real;
  return real.map((value, at) => (isPadding(stored[at] ?? 0) ? darkest : value));
}

/** From stored to real values (PS3.3, C.11.1). */
function modalityTransformation(dataSet: DataSet, frame: number, signed: boolean): (stored: number) => number {
  const table = dataSet.elements['x00283000']?.items?.[0]?.dataSet;
  if (table !== undefined) {
    const entries = readLookupTable(table, { descriptor: 'x00283002', data: 'x00283006', signed });
    return (stored) => lookUp(entries, stored);
  }
  const { slope, intercept } = rescale(dataSet, frame);
  return (stored) => slope * stored + intercept;
}

/** Each gives `[pixels, 3]`, 0 to 255. */
const COLOUR_MODELS: Readonly<Record<string, (dataSet: DataSet, bytes: FrameBytes) => Float32Array>> = {
  'PALETTE COLOR': (dataSet, bytes) => applyPalette(dataSet, storedPixels(bytes)),
  RGB: (_, bytes) => toBytes(bytes),
  YBR_FULL: (_, bytes) => ybrToRgb(toBytes(bytes)),
  YBR_FULL_422: (_, { bytes, attributes }) => ybrToRgb(expandYbr422(bytes, attributes.rows * attributes.columns)),
};

/** Colour of more than 8 bits to 0 … 255. */
function toBytes(bytes: FrameBytes): Float32Array {
  const { bitsStored } = bytes.attributes;
  const stored = storedPixels(bytes);
  return bitsStored <= 8 ? stored : stored.map((value) => (value * 255) / (2 ** bitsStored - 1));
}
