import type { ProblemKind } from '../folder/image-problem.js';
import { sliceKey } from '../folder/labels.js';
import {
  seriesWindow,
  toUnitRange,
  type IntensityRecipe,
  type IntensityWindow,
} from '../intensity/intensity-window.js';
import { percentile } from '../intensity/percentile.js';
import type { SiteDataset } from './site-dataset.js';
import type { TrainingSample } from './training-sample.js';

interface DatasetShape {
  readonly imageSizePx: number;
  /** Slices of a volume. */
  readonly depthPx?: number;
  readonly channels: 1 | 3;
  readonly intensity: IntensityRecipe;
  readonly classes: readonly string[];
}

/** Puts samples in the order of patient and slice and maps each series' window to −1 … 1; margins become −1. */
export function assembleDataset(
  samples: readonly TrainingSample[],
  shape: DatasetShape,
  problems: readonly { readonly kind: ProblemKind; readonly count: number }[],
): SiteDataset {
  const { imageSizePx, depthPx = 1, channels, intensity: recipe, classes } = shape;
  const ordered = samples.toSorted(byPatientAndSlice);
  const windows = windowsOfSeries(ordered, recipe, shape);
  const patients = [...new Set(ordered.map(({ patient }) => patient))];
  const numberOf = new Map(patients.map((patient, number) => [patient, number]));
  const valuesPerImage = depthPx * imageSizePx * imageSizePx * channels;
  const images = new Float32Array(ordered.length * valuesPerImage).fill(-1);
  ordered.forEach((sample, index) => {
    const window = windows.get(sample.series);
    if (window === undefined) return;
    const image = images.subarray(index * valuesPerImage, (index + 1) * valuesPerImage);
    forEachInside(sample, shape, (at) => {
      image[at] = toUnitRange(sample.pixels[at] ?? 0, window);
    });
  });
  return {
    images,
    classIndex: Int32Array.from(ordered, ({ classIndex }) => classIndex),
    patientIndex: Int32Array.from(ordered, ({ patient }) => numberOf.get(patient) ?? 0),
    count: ordered.length,
    patients: patients.length,
    imageSizePx,
    channels,
    classes,
    problems,
    intensity: { recipe, typicalWindow: typicalWindow([...windows.values()]) },
  };
}

/** Order that depends on the names alone: not on folders, locale or the time of reading. */
function byPatientAndSlice(a: TrainingSample, b: TrainingSample): number {
  return (
    compareText(a.patient, b.patient) ||
    Number(sliceKey(a.slice)) - Number(sliceKey(b.slice)) ||
    compareText(a.slice, b.slice) ||
    compareText(a.series, b.series)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function windowsOfSeries(
  samples: readonly TrainingSample[],
  recipe: IntensityRecipe,
  shape: DatasetShape,
): Map<string, IntensityWindow> {
  const values = new Map<string, number[]>();
  for (const sample of samples) {
    const ofSeries = values.get(sample.series) ?? [];
    forEachInside(sample, shape, (at) => ofSeries.push(sample.pixels[at] ?? 0));
    values.set(sample.series, ofSeries);
  }
  return new Map([...values].map(([series, all]) => [series, seriesWindow(recipe, Float32Array.from(all))]));
}

function forEachInside(
  { inside }: TrainingSample,
  { imageSizePx, depthPx = 1, channels }: DatasetShape,
  visit: (at: number) => void,
): void {
  for (let slice = 0; slice < depthPx; slice++) {
    for (let row = inside.top; row < inside.top + inside.heightPx; row++) {
      const start = ((slice * imageSizePx + row) * imageSizePx + inside.left) * channels;
      for (let at = start; at < start + inside.widthPx * channels; at++) visit(at);
    }
  }
}

function typicalWindow(windows: readonly IntensityWindow[]): IntensityWindow {
  const median = (values: number[]): number => percentile(Float32Array.from(values).sort(), 50);
  return { low: median(windows.map(({ low }) => low)), high: median(windows.map(({ high }) => high)) };
}
