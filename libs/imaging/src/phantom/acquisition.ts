import { TISSUES } from './atlas.js';
import type { PhantomSlab } from './classes.js';
import { lesionCoverage } from './lesion.js';
import { tissueOverPlane, type PhantomPatient } from './patient.js';
import type { PhantomScanner } from './scanners.js';
import { gaussianBlur } from '../geometry/gaussian-blur.js';

/** Width and height of every phantom image. */
export const FIELD_OF_VIEW_MM = 208;
/** MNI y of every image's centre. */
export const CENTRE_Y_MM = -18;
/** Pixel at which the scanners' noise is stated. */
const REFERENCE_PIXEL_MM = 3;
/** Tissue is sampled at least this finely and averaged, so that small images do not alias. */
const SAMPLE_MM = 2.4;

/**
 * One axial image, seen from below as radiologists do (front at the top, the patient's right at the left).
 *
 * signal = |blur(Σ tissue · intensity) · bias + complex noise|: the magnitude of a complex signal has Rician noise
 * (Gudbjartsson & Patz 1995, eq. 1), the bias field is the exponential of a quadratic (Sled et al. 1998).
 *
 * @returns `[sizePx, sizePx]`, row by row, ≥ 0, tissue near its scanner's intensity.
 */
export function acquireSlice(
  patient: PhantomPatient,
  scanner: PhantomScanner,
  slab: PhantomSlab,
  { sizePx }: { readonly sizePx: number },
): Float32Array {
  if (!Number.isInteger(sizePx) || sizePx < 8)
    throw new RangeError(`sizePx must be a whole number >= 8, got ${sizePx}`);
  const pixelMm = FIELD_OF_VIEW_MM / sizePx;
  const signal = gaussianBlur(
    tissueSignal(patient, scanner, { slab, sizePx }),
    sizePx,
    scanner.pointSpreadMm / pixelMm,
  );
  const shading = patient.random('bias');
  const [c0, c1, c2, c3, c4] = [0, 1, 2, 3, 4].map(() => scanner.biasSigma * shading.normal());
  const noise = patient.random('noise', slab.name);
  // Signal grows with the pixel's area, noise does not.
  const noiseSigma = scanner.noiseSigma * (REFERENCE_PIXEL_MM / pixelMm);
  return signal.map((value, pixel) => {
    const x = (2 * (pixel % sizePx)) / (sizePx - 1) - 1;
    const y = (2 * Math.floor(pixel / sizePx)) / (sizePx - 1) - 1;
    const bias = Math.exp((c0 ?? 0) * x + (c1 ?? 0) * y + (c2 ?? 0) * x * y + (c3 ?? 0) * x * x + (c4 ?? 0) * y * y);
    return Math.hypot(value * bias + noiseSigma * noise.normal(), noiseSigma * noise.normal());
  });
}

/** The noiseless, unshaded, sharp image: the mean of `fold²` samples a pixel. */
function tissueSignal(
  patient: PhantomPatient,
  scanner: PhantomScanner,
  { slab, sizePx }: { readonly slab: PhantomSlab; readonly sizePx: number },
): Float32Array {
  const fold = Math.ceil(FIELD_OF_VIEW_MM / sizePx / SAMPLE_MM);
  const samples = sizePx * fold;
  const stepMm = FIELD_OF_VIEW_MM / samples;
  const offsets = Array.from({ length: samples }, (_, index) => FIELD_OF_VIEW_MM / 2 - (index + 0.5) * stepMm);
  const xsMm = offsets;
  const ysMm = offsets.map((offset) => offset + CENTRE_Y_MM);
  const tissue = tissueOverPlane(patient, { xsMm, ysMm, zMm: slab.zMm });
  const [grey, white, fluid, lesionIntensity] = [
    scanner.intensity.grey * patient.contrast[0],
    scanner.intensity.white * patient.contrast[1],
    scanner.intensity.fluid * patient.contrast[2],
    scanner.intensity.lesion * patient.contrast[3],
  ];
  const lesion = patient.lesions.get(slab.name);
  const image = new Float32Array(sizePx * sizePx);
  for (let sample = 0; sample < samples * samples; sample++) {
    const g = tissue[sample * TISSUES] ?? 0;
    const w = tissue[sample * TISSUES + 1] ?? 0;
    const c = tissue[sample * TISSUES + 2] ?? 0;
    if (g + w + c === 0) continue;
    const row = Math.floor(sample / samples);
    const column = sample % samples;
    const covered = lesion === undefined ? 0 : lesionCoverage(lesion, xsMm[column] ?? 0, ysMm[row] ?? 0, slab.zMm);
    const healthy = g * grey + w * white + c * fluid;
    const value = healthy * (1 - covered) + (g + w + c) * lesionIntensity * covered;
    const pixel = Math.floor(row / fold) * sizePx + Math.floor(column / fold);
    image[pixel] = (image[pixel] ?? 0) + value / fold ** 2;
  }
  return image;
}
