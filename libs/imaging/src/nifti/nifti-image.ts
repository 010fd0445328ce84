import type { DecodedImage, ImageFile } from '../folder/image-file.js';
import { toAnatomicalView, type Direction } from '../geometry/anatomical-view.js';
import { readNiftiVolume, type NiftiVolume } from './nifti-volume.js';

/**
 * A NIfTI file as images, one a step of the third axis.
 *
 * A slice's name is its position along the third axis, counted from 1; with a fourth axis `slice.time`.
 *
 * @throws ImageProblem when it cannot be read.
 */
export function readNifti(bytes: Uint8Array): ImageFile {
  const volume = readNiftiVolume(bytes);
  const [, , slices, times] = volume.size;
  const frames = Array.from({ length: slices * times }, (_, index) => {
    const slice = (index % slices) + 1;
    const time = Math.floor(index / slices) + 1;
    return { slice: times === 1 ? String(slice) : `${slice}.${time}`, decode: () => plane(volume, index) };
  });
  return { format: 'nifti', modality: '', series: '', frames };
}

function plane(volume: NiftiVolume, index: number): DecodedImage {
  const [widthPx, heightPx] = volume.size;
  const pixels = volume.values.slice(index * widthPx * heightPx, (index + 1) * widthPx * heightPx);
  const pixelSpacing = { x: volume.spacingMm[0], y: volume.spacingMm[1] };
  const image: DecodedImage = { widthPx, heightPx, channels: 1, pixels, pixelSpacing };
  return toAnatomicalView(image, directionOfAxis(volume, 0), directionOfAxis(volume, 1));
}

/** NIfTI counts to the right and front, DICOM to the left and back. */
function directionOfAxis({ affine: [rowX, rowY, rowZ] }: NiftiVolume, axis: 0 | 1): Direction {
  return [-rowX[axis], -rowY[axis], rowZ[axis]];
}
