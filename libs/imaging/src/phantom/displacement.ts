import type { RandomStream } from '../random-source.js';

/**
 * A smooth random displacement: a cubic B-spline over a coarse grid of normal coefficients. A cubic B-spline has a
 * standard deviation of 1/√3 of its knot spacing, so 31 mm between knots is as smooth as white noise after an 18 mm Gaussian.
 */
export interface DisplacementField {
  readonly knots: number;
  readonly spacingMm: number;
  /** `[3, knots (z), knots (y), knots (x)]`, millimetres. */
  readonly coefficients: Float32Array;
}

const KNOTS = 13;
const SPACING_MM = 31;
const AXES = 3;
/** Standard deviation of the field for unit coefficients: (∫ B(x)² dx)^(3/2) with ∫ B² = 151/315. */
const UNIT_FIELD_SIGMA = (151 / 315) ** 1.5;

/** @param sigmaMm Standard deviation of each component of the displacement. */
export function createDisplacement(random: RandomStream, sigmaMm: number): DisplacementField {
  const amplitude = sigmaMm / UNIT_FIELD_SIGMA;
  const coefficients = Float32Array.from({ length: AXES * KNOTS ** 3 }, () => amplitude * random.normal());
  return { knots: KNOTS, spacingMm: SPACING_MM, coefficients };
}

/** The four weights of the uniform cubic B-spline at `t` in [0, 1) between the second and the third knot. */
export function splineWeights(t: number): [number, number, number, number] {
  return [(1 - t) ** 3 / 6, (3 * t ** 3 - 6 * t ** 2 + 4) / 6, (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6, t ** 3 / 6];
}

interface KnotSpan {
  readonly first: number;
  readonly weights: readonly [number, number, number, number];
}

function spanAt(field: DisplacementField, positionMm: number): KnotSpan {
  const position = positionMm / field.spacingMm + (field.knots - 1) / 2;
  const clamped = Math.min(Math.max(position, 1), field.knots - 2 - 1e-9);
  const first = Math.floor(clamped) - 1;
  return { first, weights: splineWeights(clamped - Math.floor(clamped)) };
}

/** Sums `length` runs of coefficients, `stride` apart, with the span's weights: one axis less. */
function contract(values: Float32Array, span: KnotSpan, [outer, knots, inner]: [number, number, number]): Float32Array {
  const result = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    span.weights.forEach((weight, k) => {
      const from = (o * knots + span.first + k) * inner;
      for (let i = 0; i < inner; i++)
        result[o * inner + i] = (result[o * inner + i] ?? 0) + weight * (values[from + i] ?? 0);
    });
  }
  return result;
}

/**
 * The displacement over one axial plane.
 *
 * @param zMm Height of the plane; @param xsMm, @param ysMm its columns and rows.
 * @returns `[3, ys, xs]`, millimetres.
 */
export function displacementOverPlane(
  field: DisplacementField,
  plane: { readonly xsMm: readonly number[]; readonly ysMm: readonly number[]; readonly zMm: number },
): Float32Array {
  const { knots } = field;
  const planeKnots = contract(field.coefficients, spanAt(field, plane.zMm), [AXES, knots, knots ** 2]);
  const columns = plane.xsMm.map((x) => spanAt(field, x));
  const result = new Float32Array(AXES * plane.ysMm.length * plane.xsMm.length);
  plane.ysMm.forEach((y, row) => {
    const rowKnots = contract(planeKnots, spanAt(field, y), [AXES, knots, knots]);
    columns.forEach(({ first, weights }, column) => {
      for (let axis = 0; axis < AXES; axis++) {
        const from = axis * knots + first;
        result[(axis * plane.ysMm.length + row) * columns.length + column] =
          weights[0] * (rowKnots[from] ?? 0) +
          weights[1] * (rowKnots[from + 1] ?? 0) +
          weights[2] * (rowKnots[from + 2] ?? 0) +
          weights[3] * (rowKnots[from + 3] ?? 0);
      }
    });
  });
  return result;
}
