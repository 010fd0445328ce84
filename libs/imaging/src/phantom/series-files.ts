import { derivedUid, openMrImageWriter, type MrImage } from '../dicom/dicom-writer.js';
import { writeNifti } from '../nifti/nifti-writer.js';
import { CENTRE_Y_MM, FIELD_OF_VIEW_MM } from './acquisition.js';
import { PHANTOM_SLABS, SLAB_SPACING_MM } from './classes.js';
import type { PhantomSite } from './phantom-site.js';

/** The images of one patient as a scanner stores them. */
export interface PatientSeries {
  readonly id: string;
  /** From 1, within the site. */
  readonly number: number;
  /** One a slab, from the bottom up; `[imageSizePx, imageSizePx]`, 0 to 4,095. */
  readonly slices: readonly Uint16Array[];
}

/** A file of the patient's folder. */
export interface SeriesFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface SeriesShape {
  readonly site: PhantomSite;
  readonly imageSizePx: number;
}

const SLICE_THICKNESS_MM = 3;
/** Repetition and echo time that such a scanner would use. */
const TIMING_MS = { T1w: [600, 12], T2w: [4500, 100], T1c: [650, 11] } as const;
/** Edges of every image: millimetres to the right and the front. */
const RIGHT_MM = FIELD_OF_VIEW_MM / 2;
const FRONT_MM = FIELD_OF_VIEW_MM / 2 + CENTRE_Y_MM;

/** Opens what turns a patient's images into the files of the site's format: one a slice for DICOM, one for NIfTI. */
export async function openSeriesFormatter(
  site: PhantomSite,
  imageSizePx: number,
): Promise<(patient: PatientSeries) => SeriesFile[]> {
  const shape = { site, imageSizePx };
  if (site.format === 'nifti') {
    const name = `${site.scanner.toLowerCase()}.nii.gz`;
    return (patient) => [{ name, bytes: niftiSeries(patient, shape) }];
  }
  const writeMrImage = await openMrImageWriter();
  return (patient) =>
    patient.slices.map((_, index) => ({
      name: `IM${String(index + 1).padStart(4, '0')}.dcm`,
      bytes: writeMrImage(mrImage(patient, index, shape)),
    }));
}

function mrImage(patient: PatientSeries, index: number, { site, imageSizePx }: SeriesShape): MrImage {
  const pixelMm = FIELD_OF_VIEW_MM / imageSizePx;
  const uid = (...parts: (string | number)[]): string => derivedUid('phantom', site.name, patient.number, ...parts);
  const [repetitionTimeMs, echoTimeMs] = TIMING_MS[site.scanner];
  return {
    patientId: patient.id,
    patientName: `Phantom^${patient.id}`,
    studyUid: uid('study'),
    seriesUid: uid('series'),
    instanceUid: uid('instance', index),
    instanceNumber: index + 1,
    studyDate: `2024${String((patient.number % 12) + 1).padStart(2, '0')}${String((patient.number % 28) + 1).padStart(2, '0')}`,
    seriesDescription: `${site.scanner} axial phantom`,
    repetitionTimeMs,
    echoTimeMs,
    sizePx: imageSizePx,
    pixelMm,
    sliceThicknessMm: SLICE_THICKNESS_MM,
    sliceSpacingMm: SLAB_SPACING_MM,
    positionMm: [pixelMm / 2 - RIGHT_MM, pixelMm / 2 - FRONT_MM, PHANTOM_SLABS[0].zMm + index * SLAB_SPACING_MM],
    pixels: patient.slices[index] ?? new Uint16Array(imageSizePx ** 2),
  };
}

function niftiSeries(patient: PatientSeries, { site, imageSizePx }: SeriesShape): Buffer {
  const pixelMm = FIELD_OF_VIEW_MM / imageSizePx;
  const values = new Uint16Array(patient.slices.length * imageSizePx ** 2);
  patient.slices.forEach((slice, index) => values.set(slice, index * imageSizePx ** 2));
  return writeNifti({
    size: [imageSizePx, imageSizePx, patient.slices.length],
    spacingMm: [pixelMm, pixelMm, SLAB_SPACING_MM],
    affine: [
      [-pixelMm, 0, 0, RIGHT_MM - pixelMm / 2],
      [0, -pixelMm, 0, FRONT_MM - pixelMm / 2],
      [0, 0, SLAB_SPACING_MM, PHANTOM_SLABS[0].zMm],
    ],
    values,
    description: `${site.scanner} axial phantom`,
  });
}
