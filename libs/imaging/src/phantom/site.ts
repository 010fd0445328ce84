import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { derivedUid, writeMrImage } from '../dicom/dicom-writer.js';
import { writeNifti } from '../nifti/nifti-writer.js';
import { scopeRandom, shuffle, type RandomSource } from '../random-source.js';
import { acquireSlice, CENTRE_Y_MM, FIELD_OF_VIEW_MM } from './acquisition.js';
import type { BrainAtlas } from './atlas.js';
import { PHANTOM_SLABS, SLAB_SPACING_MM, type PhantomClass, type SlabName } from './classes.js';
import { createPhantomPatient } from './patient.js';
import { PHANTOM_SCANNERS } from './scanners.js';

/** One made-up hospital. */
export interface PhantomSite {
  /** Letters, digits, `-`; part of its patients' ids. */
  readonly name: string;
  readonly scanner: keyof typeof PHANTOM_SCANNERS;
  readonly format: 'dicom' | 'nifti';
  /** Share of its slices that show a lesion. */
  readonly lesionRate: number;
}

export interface WritePhantomSiteOptions {
  /** Made if it is not there; should be empty. */
  readonly directory: string;
  readonly site: PhantomSite;
  readonly patients: number;
  readonly imageSizePx: number;
  readonly atlas: BrainAtlas;
  readonly random: RandomSource;
  readonly signal?: AbortSignal;
  /** Called after each patient. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What was written. */
export interface PhantomSiteSummary {
  readonly patients: number;
  readonly images: number;
  readonly sizeBytes: number;
  readonly classes: Readonly<Record<string, number>>;
}

/** Signal of 1 in the stored images; the brightest phantom tissue stays well under 4,095. */
const STORED_UNIT = 2000;
const STORED_MAX = 4095;
const SLICE_THICKNESS_MM = 3;
/** Repetition and echo time that such a scanner would use. */
const TIMING_MS = { T1w: [600, 12], T2w: [4500, 100], T1c: [650, 11] } as const;
/** Edges of every image: millimetres to the right and the front. */
const RIGHT_MM = FIELD_OF_VIEW_MM / 2;
const FRONT_MM = FIELD_OF_VIEW_MM / 2 + CENTRE_Y_MM;

interface PatientImages {
  readonly id: string;
  readonly number: number;
  /** One a slab, from the bottom up. */
  readonly slices: readonly Uint16Array[];
}

/**
 * Writes a made-up hospital's folder: one sub-folder a patient with an axial series of four slices (a DICOM file each,
 * or one NIfTI file), and `labels.csv`. The same `random` writes the same bytes.
 */
export async function writePhantomSite(options: WritePhantomSiteOptions): Promise<PhantomSiteSummary> {
  const { site, patients, random } = options;
  if (!Number.isInteger(patients) || patients < 1) throw new RangeError(`patients must be a whole number >= 1`);
  if (!(site.lesionRate >= 0 && site.lesionRate <= 1)) throw new RangeError(`lesionRate must be in [0, 1]`);
  const lesions = chooseLesions(options);
  const labels: string[] = [];
  const classes: Record<string, number> = {};
  let sizeBytes = 0;
  await mkdir(options.directory, { recursive: true });
  for (let number = 1; number <= patients; number++) {
    options.signal?.throwIfAborted();
    const id = `${site.name}-${String(number).padStart(4, '0')}`;
    const lesionSlabs = lesions.get(number) ?? [];
    const patient = createPhantomPatient(options.atlas, scopeRandom(random, 'patient', site.name, number), {
      lesionSlabs,
    });
    const slices = PHANTOM_SLABS.map((slab) =>
      store(acquireSlice(patient, PHANTOM_SCANNERS[site.scanner], slab, { sizePx: options.imageSizePx })),
    );
    sizeBytes += await writeSeries({ id, number, slices }, options);
    PHANTOM_SLABS.forEach(({ name }, index) => {
      const label: PhantomClass = lesionSlabs.includes(name) ? `${name}-lesion` : name;
      labels.push(`${id},${index + 1},${label}`);
      classes[label] = (classes[label] ?? 0) + 1;
    });
    options.onProgress?.({ done: number, total: patients });
  }
  const csv = `patient,slice,class\n${labels.join('\n')}\n`;
  await writeFile(join(options.directory, 'labels.csv'), csv);
  return { patients, images: labels.length, sizeBytes: sizeBytes + Buffer.byteLength(csv), classes };
}

/** Which slabs of which patient (from 1) show a lesion: exactly the site's share of all slices, in random places. */
function chooseLesions({ site, patients, random }: WritePhantomSiteOptions): ReadonlyMap<number, SlabName[]> {
  const slices = Array.from({ length: patients }, (_, index) => index + 1).flatMap((number) =>
    PHANTOM_SLABS.map(({ name }) => ({ number, name })),
  );
  const count = Math.round(site.lesionRate * slices.length);
  const chosen = shuffle(slices, random('lesions', site.name)).slice(0, count);
  const lesions = new Map<number, SlabName[]>();
  chosen.forEach(({ number, name }) => lesions.set(number, [...(lesions.get(number) ?? []), name]));
  return lesions;
}

function store(signal: Float32Array): Uint16Array {
  return Uint16Array.from(signal, (value) => Math.min(STORED_MAX, Math.round(value * STORED_UNIT)));
}

/** @returns Bytes written. */
async function writeSeries(patient: PatientImages, options: WritePhantomSiteOptions): Promise<number> {
  const folder = join(options.directory, patient.id);
  await mkdir(folder, { recursive: true });
  if (options.site.format === 'nifti') {
    const file = niftiSeries(patient, options);
    await writeFile(join(folder, `${options.site.scanner.toLowerCase()}.nii.gz`), file);
    return file.byteLength;
  }
  const files = patient.slices.map((_, index) => dicomSlice(patient, index, options));
  await Promise.all(
    files.map((file, index) => writeFile(join(folder, `IM${String(index + 1).padStart(4, '0')}.dcm`), file)),
  );
  return files.reduce((sum, file) => sum + file.byteLength, 0);
}

function dicomSlice(patient: PatientImages, index: number, { site, imageSizePx }: WritePhantomSiteOptions): Uint8Array {
  const pixelMm = FIELD_OF_VIEW_MM / imageSizePx;
  const uid = (...parts: (string | number)[]): string => derivedUid('phantom', site.name, patient.number, ...parts);
  const [repetitionTimeMs, echoTimeMs] = TIMING_MS[site.scanner];
  return writeMrImage({
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
  });
}

function niftiSeries(patient: PatientImages, { site, imageSizePx }: WritePhantomSiteOptions): Buffer {
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
