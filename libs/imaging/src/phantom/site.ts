import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopeRandom, shuffle, type RandomSource } from '../random-source.js';
import { acquireSlice } from './acquisition.js';
import type { BrainAtlas } from './atlas.js';
import { PHANTOM_SLABS, type PhantomClass, type SlabName } from './classes.js';
import { createPhantomPatient } from './patient.js';
import type { PhantomSite } from './phantom-site.js';
import { PHANTOM_SCANNERS } from './scanners.js';
import { openSeriesFormatter, type SeriesFile } from './series-files.js';

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
  const formatSeries = await openSeriesFormatter(site, options.imageSizePx);
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
    sizeBytes += await writeFiles(join(options.directory, id), formatSeries({ id, number, slices }));
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
async function writeFiles(folder: string, files: readonly SeriesFile[]): Promise<number> {
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, bytes }) => writeFile(join(folder, name), bytes)));
  return files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
