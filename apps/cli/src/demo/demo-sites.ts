import type { PhantomSite } from '@tributary/imaging';

/** The made-up hospitals: each with another scanner, file format and share of the scarce class. */
const HOSPITALS: readonly Omit<PhantomSite, 'name'>[] = [
  { scanner: 'T1w', format: 'dicom', lesionRate: 0.08 },
  { scanner: 'T2w', format: 'dicom', lesionRate: 0.03 },
  { scanner: 'T1c', format: 'nifti', lesionRate: 0.005 },
];

/** The site that holds everything in the pooled comparison. */
export const POOLED_SITE_ID = 'pooled';

/** `count` hospitals `site-a`, `site-b` … ; beyond three, scanners and rates come round again. */
export function demoSites(count: number): PhantomSite[] {
  return Array.from({ length: count }, (_, index) => {
    const hospital = HOSPITALS[index % HOSPITALS.length];
    if (hospital === undefined) throw new RangeError('there is at least one made-up hospital');
    return { name: `site-${String.fromCharCode('a'.charCodeAt(0) + index)}`, ...hospital };
  });
}

/** True for the classes that every site is short of. */
export function isLesion(className: string): boolean {
  return className.endsWith('-lesion');
}

/** The class of an image of one site when all images lie in one place: the site stays part of the label. */
export function pooledClass(siteId: string, className: string): string {
  return `${siteId}:${className}`;
}
