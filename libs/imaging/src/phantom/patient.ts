import type { RandomSource, RandomStream } from '../random-source.js';
import { sampleAtlas, TISSUES, type BrainAtlas } from './atlas.js';
import { PHANTOM_SLABS, type PhantomSlab, type SlabName } from './classes.js';
import { createDisplacement, displacementOverPlane, type DisplacementField } from './displacement.js';
import { createLesion, type Lesion } from './lesion.js';

/** One made-up head: the atlas, bent and resized, with or without lesions. */
export interface PhantomPatient {
  readonly atlas: BrainAtlas;
  /** Row-major 3 × 3, from the patient's millimetres to the atlas's, about the centre of the brain. */
  readonly affine: readonly number[];
  readonly displacement: DisplacementField;
  /** How far the patient lies above the planned slabs. */
  readonly heightMm: number;
  /** Size of the ventricles relative to the atlas. */
  readonly ventricleScale: number;
  /** Above 1: grey matter takes from white; below 1 the reverse. */
  readonly corticalThickness: number;
  readonly lesions: ReadonlyMap<SlabName, Lesion>;
  /** Factors on the scanner's intensities of grey, white, fluid, lesion. */
  readonly contrast: readonly [number, number, number, number];
  /** The patient's own streams: acquisition noise and shading come from here. */
  readonly random: RandomSource;
}

const CENTRE_MM = [0, -18, 0] as const;
const VENTRICLE_CENTRE_MM = [0, -14, 14] as const;
const VENTRICLE_REACH_MM = 22;
const SCALE_SIGMA = 0.05;
const SHEAR_SIGMA = 0.03;
const DISPLACEMENT_MM = 2.5;
const CONTRAST_SIGMA = 0.03;
const WHITE_ENOUGH = 0.7;

/**
 * A patient whose anatomy follows from `random` alone (synthesis from label maps: Billot et al. 2023, SynthSeg; digital
 * phantom: Collins et al. 1998).
 *
 * @param options.lesionSlabs Slabs that cut through a lesion.
 */
export function createPhantomPatient(
  atlas: BrainAtlas,
  random: RandomSource,
  { lesionSlabs = [] }: { readonly lesionSlabs?: readonly SlabName[] } = {},
): PhantomPatient {
  const shape = random('shape');
  const between = (low: number, high: number): number => low + (high - low) * shape.uniform();
  const affine = createAffine(shape);
  const healthy: PhantomPatient = {
    atlas,
    affine,
    displacement: createDisplacement(random('displacement'), DISPLACEMENT_MM * between(0.5, 1.3)),
    heightMm: between(-3, 3),
    ventricleScale: between(0.7, 1.5),
    corticalThickness: between(0.8, 1.25),
    lesions: new Map(),
    contrast: [jitter(shape), jitter(shape), jitter(shape), jitter(shape)],
    random,
  };
  const lesions = PHANTOM_SLABS.filter(({ name }) => lesionSlabs.includes(name)).map(
    (slab) => [slab.name, placeLesion(healthy, slab, random('lesion', slab.name))] as const,
  );
  return { ...healthy, lesions: new Map(lesions) };
}

const jitter = (random: RandomStream): number => 1 + CONTRAST_SIGMA * moderateNormal(random);

/** A normal number kept within 1.8 standard deviations: no head leaves the field of view or misses a slab. */
function moderateNormal(random: RandomStream): number {
  return Math.min(1.8, Math.max(-1.8, random.normal()));
}

/** diag(1 + scale) · (1 + shear) */
function createAffine(random: RandomStream): number[] {
  const scales = [0, 1, 2].map(() => 1 + SCALE_SIGMA * moderateNormal(random));
  return scales.flatMap((scale, row) =>
    [0, 1, 2].map((column) => scale * ((row === column ? 1 : 0) + SHEAR_SIGMA * moderateNormal(random))),
  );
}

/** An axial plane of the patient, in millimetres. */
export interface AxialPlane {
  readonly xsMm: readonly number[];
  readonly ysMm: readonly number[];
  readonly zMm: number;
}

/** Grey matter, white matter, fluid over a plane: `[ys, xs, 3]`, 0 to 1. Only this plane is warped, never the volume. */
export function tissueOverPlane(patient: PhantomPatient, plane: AxialPlane): Float32Array {
  const { xsMm, ysMm } = plane;
  const zMm = plane.zMm + patient.heightMm;
  const shift = displacementOverPlane(patient.displacement, { xsMm, ysMm, zMm });
  const pixels = xsMm.length * ysMm.length;
  const tissue = new Float32Array(pixels * TISSUES);
  const sample = new Float64Array(TISSUES);
  const point: [number, number, number] = [0, 0, 0];
  ysMm.forEach((yMm, row) => {
    xsMm.forEach((xMm, column) => {
      const pixel = row * xsMm.length + column;
      point[0] = xMm;
      point[1] = yMm;
      point[2] = zMm;
      applyAffine(patient.affine, point);
      point[0] += shift[pixel] ?? 0;
      point[1] += shift[pixels + pixel] ?? 0;
      point[2] += shift[2 * pixels + pixel] ?? 0;
      scaleVentricles(patient.ventricleScale, point);
      sampleAtlas(patient.atlas, point, sample);
      thickenCortex(patient.corticalThickness, sample);
      tissue[pixel * TISSUES] = sample[0] ?? 0;
      tissue[pixel * TISSUES + 1] = sample[1] ?? 0;
      tissue[pixel * TISSUES + 2] = sample[2] ?? 0;
    });
  });
  return tissue;
}

function applyAffine(affine: readonly number[], point: [number, number, number]): void {
  const x = point[0] - CENTRE_MM[0];
  const y = point[1] - CENTRE_MM[1];
  const z = point[2] - CENTRE_MM[2];
  for (let row = 0; row < 3; row++) {
    const moved = (affine[3 * row] ?? 0) * x + (affine[3 * row + 1] ?? 0) * y + (affine[3 * row + 2] ?? 0) * z;
    point[row] = moved + (CENTRE_MM[row] ?? 0);
  }
}

/** Looks nearer to the ventricles' centre where they are large: factor 1 + (1/scale − 1)·exp(−d²/2r²), monotone for 0.7 to 1.5. */
function scaleVentricles(scale: number, point: [number, number, number]): void {
  const dx = point[0] - VENTRICLE_CENTRE_MM[0];
  const dy = point[1] - VENTRICLE_CENTRE_MM[1];
  const dz = point[2] - VENTRICLE_CENTRE_MM[2];
  const near = Math.exp(-(dx * dx + dy * dy + dz * dz) / (2 * VENTRICLE_REACH_MM ** 2));
  const factor = 1 + (1 / scale - 1) * near;
  point[0] = VENTRICLE_CENTRE_MM[0] + dx * factor;
  point[1] = VENTRICLE_CENTRE_MM[1] + dy * factor;
  point[2] = VENTRICLE_CENTRE_MM[2] + dz * factor;
}

/** Moves mixed voxels from white to grey matter (or back): white^thickness, the rest to grey. */
function thickenCortex(thickness: number, sample: Float64Array): void {
  const grey = sample[0] ?? 0;
  const white = sample[1] ?? 0;
  if (white === 0) return;
  const thinned = Math.min(grey + white, white ** thickness);
  sample[0] = grey + white - thinned;
  sample[1] = thinned;
}

/** A lesion somewhere in the white matter that the slab shows. */
function placeLesion(patient: PhantomPatient, slab: PhantomSlab, random: RandomStream): Lesion {
  const xsMm = Array.from({ length: 27 }, (_, column) => -78 + 6 * column);
  const ysMm = Array.from({ length: 33 }, (_, row) => -114 + 6 * row);
  const tissue = tissueOverPlane(patient, { xsMm, ysMm, zMm: slab.zMm });
  const places = ysMm.flatMap((yMm, row) =>
    xsMm.map((xMm, column) => ({ xMm, yMm, white: tissue[(row * xsMm.length + column) * TISSUES + 1] ?? 0 })),
  );
  const most = places.reduce((best, { white }) => Math.max(best, white), 0);
  const candidates = places.filter(({ white }) => white >= Math.min(WHITE_ENOUGH, most));
  const chosen = candidates[random.integer(candidates.length)];
  if (chosen === undefined) throw new RangeError('the slab shows no tissue');
  return createLesion([chosen.xMm, chosen.yMm, slab.zMm], random);
}
