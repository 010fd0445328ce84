/** Decoders that ship no types. What those of the Cornerstone project (WebAssembly) have in common: */
interface CornerstoneDecoder {
  /** Room for the compressed bytes, in the memory of the decoder. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number };
  /** Samples, pixel after pixel, little endian; valid until `delete`. */
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}
interface CornerstoneModuleOptions {
  wasmBinary: Uint8Array;
  print(line: string): void;
  printErr(line: string): void;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  export default function createModule(
    options: CornerstoneModuleOptions,
  ): Promise<{ J2KDecoder: new () => CornerstoneDecoder }>;
}
declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  export default function createModule(
    options: CornerstoneModuleOptions,
  ): Promise<{ JpegLSDecoder: new () => CornerstoneDecoder }>;
}
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  export default function createModule(
    options: CornerstoneModuleOptions,
  ): Promise<{ JPEGDecoder: new () => CornerstoneDecoder }>;
}

declare module 'jpeg-lossless-decoder-js' {
  interface LosslessDecoder {
    /** Samples of the one frame of a file, pixel after pixel. */
    decode(file: ArrayBuffer, offset: number, length: number): Uint8Array | Uint16Array;
  }
  const jpeg: { readonly lossless: { readonly Decoder: new () => LosslessDecoder } };
  export default jpeg;
}
