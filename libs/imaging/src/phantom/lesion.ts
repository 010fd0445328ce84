import type { RandomStream } from '../random-source.js';

type Point = readonly [number, number, number];

/** An irregular ball in the white matter. */
export interface Lesion {
  readonly centreMm: Point;
  readonly radiusMm: number;
  /** Plane waves that dent the surface. */
  readonly waves: readonly { readonly perMm: Point; readonly phase: number; readonly depth: number }[];
}

const SMALLEST_RADIUS_MM = 6;
const LARGEST_RADIUS_MM = 15;
const WAVES = 4;
/** Half the width of the soft edge, as a share of the radius. */
const EDGE = 0.15;

/** A lesion of 6 to 15 mm radius with a surface dented by four waves of 10 to 20 mm. */
export function createLesion(centreMm: Point, random: RandomStream): Lesion {
  const radiusMm = SMALLEST_RADIUS_MM + (LARGEST_RADIUS_MM - SMALLEST_RADIUS_MM) * random.uniform();
  const waves = Array.from({ length: WAVES }, () => {
    const direction = [random.normal(), random.normal(), random.normal()] as const;
    const wavelengthMm = 10 + 10 * random.uniform();
    const scale = (2 * Math.PI) / (wavelengthMm * Math.max(1e-6, Math.hypot(...direction)));
    const perMm = [direction[0] * scale, direction[1] * scale, direction[2] * scale] as const;
    return { perMm, phase: 2 * Math.PI * random.uniform(), depth: 0.18 * random.uniform() };
  });
  return { centreMm, radiusMm, waves };
}

/** How much of a point the lesion fills: 1 inside, 0 outside, in between on its soft edge. */
export function lesionCoverage(lesion: Lesion, x: number, y: number, z: number): number {
  const [dx, dy, dz] = [x - lesion.centreMm[0], y - lesion.centreMm[1], z - lesion.centreMm[2]];
  const distance = Math.hypot(dx, dy, dz) / lesion.radiusMm;
  if (distance > 2) return 0;
  const dent = lesion.waves.reduce(
    (sum, { perMm, phase, depth }) => sum + depth * Math.cos(perMm[0] * dx + perMm[1] * dy + perMm[2] * dz + phase),
    0,
  );
  return Math.min(1, Math.max(0, (1 + dent - distance) / (2 * EDGE) + 0.5));
}
