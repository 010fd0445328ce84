import { ImageProblem } from '../folder/image-problem.js';
import type { PixelAttributes } from './dicom-attributes.js';

/** The bytes of one uncompressed frame and how to read them. */
export interface FrameBytes {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly attributes: PixelAttributes;
  /** Bytes are swapped in pairs: 8-bit pixels that a big-endian writer stored as 16-bit words. */
  readonly swapped: boolean;
  /** Samples lie plane after plane instead of pixel after pixel. */
  readonly planar: boolean;
  readonly numbers: 'integer' | 'float';
}

/** Bytes of one uncompressed frame; 4:2:2 colour shares two of four samples between two pixels. */
export function frameSizeBytes(attributes: PixelAttributes): number {
  const samples = attributes.photometric === 'YBR_FULL_422' ? 2 : attributes.samplesPerPixel;
  return attributes.rows * attributes.columns * samples * (attributes.bitsAllocated / 8);
}

/**
 * The stored values, `[rows, columns, samples]`: overlay bits above or below the stored ones are masked off, signs
 * extended (DICOM PS3.5, 8.1.1).
 */
export function storedPixels(frame: FrameBytes): Float32Array {
  const { attributes, bytes } = frame;
  const pixels = attributes.rows * attributes.columns;
  const samples = attributes.samplesPerPixel;
  const read = frame.numbers === 'float' ? floatReader(frame) : integerReader(frame);
  const available = Math.floor(bytes.length / (attributes.bitsAllocated / 8));
  if (available < pixels * samples) throw new ImageProblem('truncated');
  const values = new Float32Array(pixels * samples);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let sample = 0; sample < samples; sample++) {
      values[pixel * samples + sample] = read(frame.planar ? sample * pixels + pixel : pixel * samples + sample);
    }
  }
  return values;
}

type ValueReader = (index: number) => number;

function floatReader({ bytes, littleEndian, attributes }: FrameBytes): ValueReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (attributes.bitsAllocated === 32) return (index) => view.getFloat32(4 * index, littleEndian);
  if (attributes.bitsAllocated === 64) return (index) => view.getFloat64(8 * index, littleEndian);
  throw new ImageProblem('unsupported-pixels');
}

function integerReader(frame: FrameBytes): ValueReader {
  const { bitsStored, highBit, signed } = frame.attributes;
  const word = wordReader(frame);
  const unusedAbove = 31 - highBit;
  const unused = 32 - bitsStored;
  if (signed) return (index) => (word(index) << unusedAbove) >> unused;
  return (index) => (word(index) << unusedAbove) >>> unused;
}

function wordReader({ bytes, littleEndian, attributes, swapped }: FrameBytes): ValueReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (attributes.bitsAllocated === 8) return (index) => view.getUint8(swapped ? index ^ 1 : index);
  if (attributes.bitsAllocated === 16) return (index) => view.getUint16(2 * index, littleEndian);
  if (attributes.bitsAllocated === 32) return (index) => view.getUint32(4 * index, littleEndian);
  throw new ImageProblem('unsupported-pixels');
}
