import type { DataSet } from 'dicom-parser';
import type { DecodedImage, ImageFile } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';
import { toAnatomicalView } from '../geometry/anatomical-view.js';
import { imageOrientation, pixelSpacing, readPixelAttributes } from './dicom-attributes.js';
import { parseDicom, pixelElement } from './dicom-dataset.js';
import { frameSource } from './frame-bytes.js';
import { frameValues } from './pixel-values.js';
import type { FrameBytes } from './stored-pixels.js';

/**
 * A DICOM file of one or many frames, uncompressed or compressed (run length, JPEG, JPEG-LS, JPEG 2000); values after
 * rescale slope and intercept, MONOCHROME1 inverted, colour as RGB of 0 to 255.
 *
 * A frame's slice name is its instance number; with several frames `instance.frame`, counted from 1.
 *
 * @throws ImageProblem when the file has no image that can be read.
 */
export async function readDicom(bytes: Uint8Array): Promise<ImageFile> {
  const file = parseDicom(bytes);
  const { dataSet } = file;
  if (pixelElement(dataSet) === undefined) {
    throw new ImageProblem(dataSet.elements['x00280010'] === undefined ? 'no-pixels' : 'truncated');
  }
  const attributes = readPixelAttributes(dataSet);
  const readFrame = await frameSource(file, attributes);
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
      decode: () => decodeFrame(dataSet, frame, readFrame(frame)),
    })),
  };
}

function decodeFrame(dataSet: DataSet, frame: number, bytes: FrameBytes): DecodedImage {
  const image: DecodedImage = {
    widthPx: bytes.attributes.columns,
    heightPx: bytes.attributes.rows,
    ...frameValues(dataSet, frame, bytes),
    pixelSpacing: pixelSpacing(dataSet, frame),
  };
  const orientation = imageOrientation(dataSet, frame);
  if (orientation === undefined) return image;
  const [alongX = 1, alongY = 0, alongZ = 0, downX = 0, downY = 1, downZ = 0] = orientation;
  return toAnatomicalView(image, [alongX, alongY, alongZ], [downX, downY, downZ]);
}
