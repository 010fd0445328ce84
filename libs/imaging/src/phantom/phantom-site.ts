import type { PHANTOM_SCANNERS } from './scanners.js';

/** One made-up hospital. */
export interface PhantomSite {
  /** Letters, digits, `-`; part of its patients' ids. */
  readonly name: string;
  readonly scanner: keyof typeof PHANTOM_SCANNERS;
  readonly format: 'dicom' | 'nifti';
  /** Share of its slices that show a lesion. */
  readonly lesionRate: number;
}
