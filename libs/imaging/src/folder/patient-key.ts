import type { ImageFile } from './image-file.js';

/**
 * Whose image a file is: the patient of its header; else the innermost folder (or file name) that `labels.csv` names as a
 * patient; else a BIDS `sub-…` folder; else the outermost folder below the root; else the examination. Where in doubt
 * this merges patients rather than splits one in two: a patient on both sides of the split would spoil every score.
 *
 * @param names Folders below the root and the name of the file.
 * @returns undefined when nothing tells.
 */
export function patientKey(
  file: ImageFile,
  names: readonly string[],
  isKnownPatient: (name: string) => boolean,
): string | undefined {
  if (file.patient !== undefined) return file.patient;
  const folders = names.slice(0, -1);
  const stem = fileStem(names);
  const labelled = [...folders, stem].reverse().find(isKnownPatient);
  const subject = folders.find((name) => name.startsWith('sub-'));
  return labelled ?? subject ?? folders[0] ?? file.study ?? (file.format === 'dicom' ? undefined : stem);
}

/** Name of a file without its ending; `.nii.gz` is one ending. */
export function fileStem(names: readonly string[]): string {
  return (names.at(-1) ?? '').replace(/(\.nii)?\.[^.]+$/, '');
}
