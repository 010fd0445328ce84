import { constants, gunzipSync } from 'node:zlib';
import { hasDicomPrefix, looksLikeBareDataSet } from '../dicom/dicom-dataset.js';
import { readDicom } from '../dicom/dicom-image.js';
import { readNifti } from '../nifti/nifti-image.js';
import { readPng } from '../png/png-image.js';
import type { ImageFile } from './image-file.js';
import { ImageProblem } from './image-problem.js';

/** First bytes of formats that are images but not read here. */
const OTHER_IMAGES = [
  'ffd8ff',
  '49492a00',
  '4d4d002a',
  '474946383',
  '424d',
  '0000000c6a502020',
  '89484446',
  '4e525244',
];
const PNG_SIGNATURE = '89504e470d0a1a0a';
const GZIP_SIGNATURE = '1f8b';
const NIFTI_HEADER_SIZES = [348, 540];
const NIFTI1_MAGIC_OFFSET = 344;
const NIFTI2_MAGIC_OFFSET = 4;

/**
 * Reads an image file by its content, whatever its name ends with.
 *
 * @param name Name of the file without folder and ending; names a PNG's slice.
 * @throws ImageProblem when the file has no image that can be read.
 */
export async function readImageFile(bytes: Uint8Array, name: string): Promise<ImageFile> {
  if (bytes.length === 0) throw new ImageProblem('empty-file');
  const start = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  if (start.startsWith(PNG_SIGNATURE)) return readPng(bytes, name);
  if (hasDicomPrefix(bytes)) return readDicom(bytes);
  if (isNifti(start.startsWith(GZIP_SIGNATURE) ? unpackStart(bytes) : bytes)) return readNifti(bytes);
  if (OTHER_IMAGES.some((signature) => start.startsWith(signature))) throw new ImageProblem('unsupported-format');
  if (looksLikeBareDataSet(bytes)) return readDicom(bytes);
  throw new ImageProblem('not-an-image');
}

function isNifti(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = [true, false].map((littleEndian) => view.getInt32(0, littleEndian));
  if (!size.some((bytesInHeader) => NIFTI_HEADER_SIZES.includes(bytesInHeader))) return false;
  return [NIFTI1_MAGIC_OFFSET, NIFTI2_MAGIC_OFFSET].some((offset) =>
    ['n+1', 'n+2', 'ni1', 'ni2'].includes(Buffer.from(bytes.subarray(offset, offset + 3)).toString('latin1')),
  );
}

/** The first bytes of a packed file, as far as the first kilobytes of it tell. */
function unpackStart(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}
