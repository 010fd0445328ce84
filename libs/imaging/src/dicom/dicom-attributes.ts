import type { DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';

/** What the header says about the pixels of one frame; names as in DICOM PS3.3, C.7.6.3. */
export interface PixelAttributes {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: 1 | 3;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly planar: boolean;
  readonly photometric: string;
  readonly numberOfFrames: number;
}

const LARGEST_SIDE_PX = 65_535;
/** A few bytes of a compressed frame can claim any size. */
const LARGEST_FRAME_PX = 2 ** 26;

/** @throws ImageProblem `corrupt` or `unsupported-pixels`. */
export function readPixelAttributes(dataSet: DataSet): PixelAttributes {
  const samplesPerPixel = dataSet.uint16('x00280002') ?? 1;
  const bitsAllocated = dataSet.uint16('x00280100') ?? 0;
  const bitsStored = dataSet.uint16('x00280101') ?? bitsAllocated;
  const rows = dataSet.uint16('x00280010') ?? 0;
  const columns = dataSet.uint16('x00280011') ?? 0;
  const numberOfFrames = Math.max(1, dataSet.intString('x00280008') ?? 1);
  const sides = [rows, columns].every((side) => side >= 1 && side <= LARGEST_SIDE_PX);
  if (!sides || !Number.isInteger(numberOfFrames)) throw new ImageProblem('corrupt');
  if (rows * columns > LARGEST_FRAME_PX) throw new ImageProblem('too-large');
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3) throw new ImageProblem('unsupported-pixels');
  if (![8, 16, 32, 64].includes(bitsAllocated)) throw new ImageProblem('unsupported-pixels');
  if (bitsStored < 1 || bitsStored > bitsAllocated) throw new ImageProblem('corrupt');
  const highBit = dataSet.uint16('x00280102') ?? bitsStored - 1;
  if (highBit < bitsStored - 1 || highBit >= bitsAllocated) throw new ImageProblem('corrupt');
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit,
    signed: dataSet.uint16('x00280103') === 1,
    planar: samplesPerPixel === 3 && dataSet.uint16('x00280006') === 1,
    photometric: dataSet.string('x00280004')?.trim() ?? 'MONOCHROME2',
    numberOfFrames,
  };
}

/** Attributes that enhanced multi-frame files keep per frame, others once. */
const FUNCTIONAL_GROUPS = { shared: 'x52009229', perFrame: 'x52009230' } as const;
const PIXEL_MEASURES = 'x00289110';
const PLANE_ORIENTATION = 'x00209116';
const VALUE_TRANSFORMATION = 'x00289145';

/** The data set that holds a group of attributes for a frame: its own, the shared one, or the file itself (PS3.3, C.7.6.16). */
function groupFor(dataSet: DataSet, frame: number, group: string): DataSet {
  const own = dataSet.elements[FUNCTIONAL_GROUPS.perFrame]?.items?.[frame]?.dataSet;
  const shared = dataSet.elements[FUNCTIONAL_GROUPS.shared]?.items?.[0]?.dataSet;
  const found = [own, shared].map((holder) => holder?.elements[group]?.items?.[0]?.dataSet);
  return found[0] ?? found[1] ?? dataSet;
}

function numbers(dataSet: DataSet, tag: string, count: number): number[] | undefined {
  const values = Array.from({ length: count }, (_, index) => dataSet.floatString(tag, index));
  const finite = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  return finite.length === count ? finite : undefined;
}

/** Width and height of a pixel: pixel spacing, imager pixel spacing, or aspect ratio, else square. */
export function pixelSpacing(dataSet: DataSet, frame: number): { x: number; y: number } {
  const stated =
    numbers(groupFor(dataSet, frame, PIXEL_MEASURES), 'x00280030', 2) ??
    numbers(dataSet, 'x00181164', 2) ??
    numbers(dataSet, 'x00280034', 2);
  const [y = 1, x = 1] = stated ?? [];
  return x > 0 && y > 0 ? { x, y } : { x: 1, y: 1 };
}

/** Direction cosines of a row and of a column, towards the left, back, top of the patient; undefined when not stated. */
export function imageOrientation(dataSet: DataSet, frame: number): number[] | undefined {
  return numbers(groupFor(dataSet, frame, PLANE_ORIENTATION), 'x00200037', 6);
}

/** From stored to real values (PS3.3, C.11.1): value = slope · stored + intercept. */
export function rescale(dataSet: DataSet, frame: number): { slope: number; intercept: number } {
  const group = groupFor(dataSet, frame, VALUE_TRANSFORMATION);
  const [slope] = numbers(group, 'x00281053', 1) ?? [1];
  const [intercept] = numbers(group, 'x00281052', 1) ?? [0];
  return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept: intercept ?? 0 };
}

/** Stored values that mark pixels without an image, both ends included (PS3.3, C.7.5.1.1.2); undefined when not stated. */
export function paddingRange(dataSet: DataSet): { low: number; high: number } | undefined {
  const signed = dataSet.uint16('x00280103') === 1;
  const value = signed ? dataSet.int16('x00280120') : dataSet.uint16('x00280120');
  if (value === undefined) return undefined;
  const limit = (signed ? dataSet.int16('x00280121') : dataSet.uint16('x00280121')) ?? value;
  return { low: Math.min(value, limit), high: Math.max(value, limit) };
}
