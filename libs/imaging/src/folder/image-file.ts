/** One image of a file, in the orientation and with the values that its header asks for. */
export interface DecodedImage {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: 1 | 3;
  /** `[heightPx, widthPx, channels]`. */
  readonly pixels: Float32Array;
  /** Width and height of a pixel; the unit does not matter, only their ratio does. */
  readonly pixelSpacing: { readonly x: number; readonly y: number };
}

/** An image that is decoded when asked for: a file may hold hundreds. */
export interface ImageFrame {
  /** How `labels.csv` names the image within its patient. */
  readonly slice: string;
  /** @throws ImageProblem when it cannot be read. */
  decode(): DecodedImage;
}

/** What a file says about itself. Identifiers stay in memory: no result, log or message carries them. */
export interface ImageFile {
  readonly format: 'dicom' | 'nifti' | 'png';
  /** As DICOM names it (`MR`, `CT`, …), else empty. */
  readonly modality: string;
  /** The patient by the file's own header. */
  readonly patient?: string;
  /** The examination by the file's own header, for files that hide the patient. */
  readonly study?: string;
  /** Images that share an intensity scale share this; empty when the file is its own series. */
  readonly series: string;
  readonly frames: readonly ImageFrame[];
}
