import dicomParser, { type DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';
import type { PixelAttributes } from './dicom-attributes.js';
import { EXPLICIT_BIG_ENDIAN, pixelElement, UNCOMPRESSED, type DicomFile } from './dicom-dataset.js';
import { frameCodec } from './frame-codec.js';
import { frameSizeBytes, type FrameBytes } from './stored-pixels.js';

/** The unpacked bytes of a frame, counted from 0. Throws `ImageProblem`. */
export type FrameSource = (frame: number) => FrameBytes;

/**
 * Finds the frames of a file and the decoder that they need. A header may claim any number of frames: the bytes must be
 * there before anything is made of that size.
 *
 * @throws ImageProblem `truncated`, `unsupported-transfer-syntax`, `no-pixels`.
 */
export async function frameSource(
  { dataSet, transferSyntax }: DicomFile,
  attributes: PixelAttributes,
): Promise<FrameSource> {
  const element = pixelElement(dataSet);
  if (element === undefined) throw new ImageProblem('no-pixels');
  if (UNCOMPRESSED.has(transferSyntax)) {
    const available = Math.min(element.length, dataSet.byteArray.length - element.dataOffset);
    if (available < frameSizeBytes(attributes) * attributes.numberOfFrames) throw new ImageProblem('truncated');
    return (frame) => nativeFrame(dataSet, attributes, { frame, littleEndian: transferSyntax !== EXPLICIT_BIG_ENDIAN });
  }
  const unpack = await frameCodec(transferSyntax);
  if ((element.fragments?.length ?? 0) < attributes.numberOfFrames) throw new ImageProblem('truncated');
  return (frame) => unpack(encapsulatedFrame(dataSet, attributes, frame), attributes);
}

function nativeFrame(
  dataSet: DataSet,
  attributes: PixelAttributes,
  { frame, littleEndian }: { readonly frame: number; readonly littleEndian: boolean },
): FrameBytes {
  const element = pixelElement(dataSet);
  if (element === undefined) throw new ImageProblem('no-pixels');
  const size = frameSizeBytes(attributes);
  const start = element.dataOffset + frame * size;
  const swapped = !littleEndian && attributes.bitsAllocated === 8 && element.vr === 'OW';
  return {
    // A byte more than the frame when bytes are swapped and the frame ends within a word.
    bytes: dataSet.byteArray.subarray(start, start + size + (swapped ? size % 2 : 0)),
    littleEndian,
    swapped,
    attributes,
    planar: attributes.planar,
    numbers: element.tag === 'x7fe00010' ? 'integer' : 'float',
  };
}

/** The joined fragments of a frame (PS3.5, A.4): all of them, by the offset table, or one each where there is no table. */
function encapsulatedFrame(dataSet: DataSet, { numberOfFrames }: PixelAttributes, frame: number): Uint8Array {
  const element = dataSet.elements['x7fe00010'];
  const fragments = element?.fragments?.length ?? 0;
  if (element === undefined || fragments === 0) throw new ImageProblem('truncated');
  try {
    if (numberOfFrames === 1) {
      return dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, 0, fragments);
    }
    const hasTable = (element.basicOffsetTable?.length ?? 0) > 0;
    if (hasTable) return dicomParser.readEncapsulatedImageFrame(dataSet, element, frame);
    if (fragments === numberOfFrames)
      return dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, frame);
    const table = dicomParser.createJPEGBasicOffsetTable(dataSet, element);
    return dicomParser.readEncapsulatedImageFrame(dataSet, element, frame, table);
  } catch (cause) {
    throw new ImageProblem('corrupt', { cause });
  }
}
