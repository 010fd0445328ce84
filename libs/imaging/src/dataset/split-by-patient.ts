import { TributaryError } from '@tributary/protocol/errors';
import { shuffle, type RandomStream } from '../random-source.js';
import type { SiteDataset } from './site-dataset.js';

/** Indices of images, ascending. */
export interface PatientSplit {
  readonly train: Int32Array;
  readonly heldOut: Int32Array;
}

/**
 * Splits a dataset so that all images of a patient are on one side. Classes are served from the rarest on: where at least
 * two patients have a class, both sides get it. The same stream gives the same split.
 *
 * @param options.heldOutFraction Share of the patients to hold out, in (0, 1).
 * @throws TributaryError `DATA_ALL_IN_ONE_SPLIT` when one side would be without images.
 */
export function splitByPatient(
  dataset: Pick<SiteDataset, 'classIndex' | 'patientIndex'>,
  { heldOutFraction, random }: { readonly heldOutFraction: number; readonly random: RandomStream },
): PatientSplit {
  if (!(heldOutFraction > 0 && heldOutFraction < 1)) throw new RangeError('heldOutFraction must be in (0, 1)');
  const patients = shuffle(
    [...new Set(dataset.patientIndex)].sort((a, b) => a - b),
    random,
  );
  if (patients.length < 2) {
    throw new TributaryError('DATA_ALL_IN_ONE_SPLIT', { detail: `there are images of ${patients.length} patients` });
  }
  const heldOut = chooseHeldOut(patients, patientsByClass(dataset), heldOutFraction);
  const images = [...dataset.patientIndex.keys()];
  const side = (held: boolean): Int32Array =>
    Int32Array.from(images.filter((image) => heldOut.has(dataset.patientIndex[image] ?? -1) === held));
  return { train: side(false), heldOut: side(true) };
}

/** Patients of each class, the class with the fewest first. */
function patientsByClass({
  classIndex,
  patientIndex,
}: Pick<SiteDataset, 'classIndex' | 'patientIndex'>): Set<number>[] {
  const patients = new Map<number, Set<number>>();
  classIndex.forEach((klass, image) => {
    const members = patients.get(klass) ?? new Set<number>();
    patients.set(klass, members.add(patientIndex[image] ?? 0));
  });
  return [...patients]
    .sort(([classA, a], [classB, b]) => a.size - b.size || classA - classB)
    .map(([, members]) => members);
}

function chooseHeldOut(patients: readonly number[], classes: readonly Set<number>[], fraction: number): Set<number> {
  const heldOut = new Set<number>();
  const decided = new Set<number>();
  const serve = (members: readonly number[]): void => {
    const wanted = members.length < 2 ? 0 : clamp(Math.round(fraction * members.length), 1, members.length - 1);
    const held = members.filter((patient) => heldOut.has(patient)).length;
    const free = members.filter((patient) => !decided.has(patient));
    free.forEach((patient, position) => {
      decided.add(patient);
      if (position < wanted - held) heldOut.add(patient);
    });
  };
  for (const members of classes) serve(patients.filter((patient) => members.has(patient)));
  // Rarest first can leave a later class on one side only; with two patients or more both sides exist in any case.
  if (heldOut.size === 0) heldOut.add(patients[0] ?? 0);
  return heldOut;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
