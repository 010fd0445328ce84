import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { ImageProblem } from '../folder/image-problem.js';
import type { PixelAttributes } from './dicom-attributes.js';
import { decodeRunLength } from './run-length.js';
import type { FrameBytes } from './stored-pixels.js';

/** Unpacks one compressed frame. Throws `ImageProblem`. */
export type FrameCodec = (encoded: Uint8Array, attributes: PixelAttributes) => FrameBytes;

/** DICOM PS3.5, 10: how to unpack each compressed transfer syntax. Decoders are loaded when a file needs them. */
const CODECS: Readonly<Record<string, () => Promise<FrameCodec>>> = {
  '1.2.840.10008.1.2.5': () => Promise.resolve(runLength),
  '1.2.840.10008.1.2.4.50': once(jpegBaseline),
  '1.2.840.10008.1.2.4.57': once(jpegLossless),
  '1.2.840.10008.1.2.4.70': once(jpegLossless),
  '1.2.840.10008.1.2.4.80': once(jpegLs),
  '1.2.840.10008.1.2.4.81': once(jpegLs),
  '1.2.840.10008.1.2.4.90': once(jpeg2000),
  '1.2.840.10008.1.2.4.91': once(jpeg2000),
};

/** @throws ImageProblem `unsupported-transfer-syntax`. */
export async function frameCodec(transferSyntax: string): Promise<FrameCodec> {
  const load = CODECS[transferSyntax];
  if (load === undefined) throw new ImageProblem('unsupported-transfer-syntax');
  return load();
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}

function runLength(encoded: Uint8Array, attributes: PixelAttributes): FrameBytes {
  const bytes = decodeRunLength(encoded, {
    pixels: attributes.rows * attributes.columns,
    bytesPerSample: attributes.bitsAllocated / 8,
    samples: attributes.samplesPerPixel,
  });
  return { bytes, littleEndian: true, swapped: false, attributes, planar: true, numbers: 'integer' };
}

async function jpegLossless(): Promise<FrameCodec> {
  const { default: jpeg } = await import('jpeg-lossless-decoder-js');
  return (encoded, attributes) => {
    const file = new Uint8Array(encoded).buffer;
    const samples = attempt(() => new jpeg.lossless.Decoder().decode(file, 0, file.byteLength));
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    return unpacked(bytes, samples.BYTES_PER_ELEMENT, attributes);
  };
}

async function jpeg2000(): Promise<FrameCodec> {
  const { default: createModule } = await import('@cornerstonejs/codec-openjpeg/decodewasmjs');
  const { J2KDecoder } = await createModule(await moduleOptions('@cornerstonejs/codec-openjpeg/decodewasm'));
  return (encoded, attributes) => {
    const frame = decodeWith(new J2KDecoder(), encoded, attributes);
    // The decoder undoes the colour transformation of the codestream (PS3.5, 8.2.4).
    const photometric = attributes.photometric.replace(/^YBR_(RCT|ICT)$/, 'RGB');
    return { ...frame, attributes: { ...frame.attributes, photometric } };
  };
}

async function jpegLs(): Promise<FrameCodec> {
  const { default: createModule } = await import('@cornerstonejs/codec-charls/decodewasmjs');
  const { JpegLSDecoder } = await createModule(await moduleOptions('@cornerstonejs/codec-charls/decodewasm'));
  return (encoded, attributes) => decodeWith(new JpegLSDecoder(), encoded, attributes);
}

async function jpegBaseline(): Promise<FrameCodec> {
  const { default: createModule } = await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs');
  const { JPEGDecoder } = await createModule(await moduleOptions('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm'));
  return (encoded, attributes) => {
    const frame = decodeWith(new JPEGDecoder(), encoded, attributes);
    // The decoder gives RGB, whatever the file's colour model.
    const photometric = attributes.samplesPerPixel === 3 ? 'RGB' : attributes.photometric;
    return { ...frame, attributes: { ...frame.attributes, photometric } };
  };
}

/** Hands the module its bytes, so that it looks for them nowhere, and keeps it from writing to the output of the process. */
async function moduleOptions(wasm: string): Promise<CornerstoneModuleOptions> {
  const path = createRequire(import.meta.url).resolve(wasm);
  return { wasmBinary: await readFile(path), print: () => undefined, printErr: () => undefined };
}

function decodeWith(decoder: CornerstoneDecoder, encoded: Uint8Array, attributes: PixelAttributes): FrameBytes {
  try {
    return attempt(() => {
      decoder.getEncodedBuffer(encoded.length).set(encoded);
      decoder.decode();
      const info = decoder.getFrameInfo();
      const sameSize = info.width === attributes.columns && info.height === attributes.rows;
      if (!sameSize || info.componentCount !== attributes.samplesPerPixel) throw new ImageProblem('corrupt');
      return unpacked(Uint8Array.from(decoder.getDecodedBuffer()), info.bitsPerSample > 8 ? 2 : 1, attributes);
    });
  } finally {
    decoder.delete();
  }
}

/** The decoders throw numbers and strings when they cannot go on. */
function attempt<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw cause instanceof ImageProblem ? cause : new ImageProblem('corrupt', { cause });
  }
}

function unpacked(bytes: Uint8Array, bytesPerSample: number, attributes: PixelAttributes): FrameBytes {
  const bitsAllocated = 8 * bytesPerSample;
  const bitsStored = Math.min(attributes.bitsStored, bitsAllocated);
  const highBit = bitsStored - 1;
  return {
    bytes,
    littleEndian: true,
    swapped: false,
    attributes: { ...attributes, bitsAllocated, bitsStored, highBit },
    planar: false,
    numbers: 'integer',
  };
}
