import { CholeskyDecomposition, Matrix, solve } from 'ml-matrix';
import type { FeatureMoments, MomentSums } from '../moments/feature-moments.js';
import { gaussianOf } from '../moments/gaussian.js';
import type { Discriminant } from './discriminant.js';

export interface DiscriminantOptions {
  /** `linear`: one covariance for all classes. `quadratic`: each its own, mixed with the common one. */
  readonly kind: 'linear' | 'quadratic';
  /** 0..1: how far every covariance is moved to its own diagonal (Schafer & Strimmer 2005, target D). */
  readonly shrinkage: number;
  /** 0..1, quadratic only: share of the common covariance in each class's (after Friedman 1989, eq. 16). Default 0.5. */
  readonly pooling?: number;
}

/** So that a feature that never varies cannot make a covariance singular: this share of the mean variance is added to the diagonal. */
const RIDGE = 1e-6;

/**
 * Fits a regularised Gaussian discriminant from class-conditional moments, all classes equally likely.
 * @throws RangeError for fewer than two classes, a class of fewer than two images, or shares outside 0..1.
 */
export function fitDiscriminant(moments: FeatureMoments, options: DiscriminantOptions): Discriminant {
  const { kind, shrinkage, pooling = 0.5 } = options;
  checkShare('shrinkage', shrinkage);
  checkShare('pooling', pooling);
  const groups = [...moments.groups];
  if (groups.length < 2) throw new RangeError(`a classifier needs two classes or more, not ${groups.length}`);
  const gaussians = groups.map(([, sums]) => gaussianOf(sums));
  const common = withinClassCovariance(groups.map(([, sums]) => sums));
  const covariances =
    kind === 'linear' ? [common] : gaussians.map(({ covariance }) => mix(covariance, common, pooling));
  const whiteners = covariances.map((covariance) => whiten(regularise(covariance, shrinkage)));
  return {
    extractor: moments.extractor,
    dimensions: moments.dimensions,
    classes: groups.map(([label], at) => {
      const whitener = kind === 'linear' ? 0 : at;
      const logDeterminant = whiteners[whitener]?.logDeterminant ?? 0;
      return { label, mean: [...(gaussians[at]?.mean ?? [])], logDeterminant, whitener };
    }),
    whiteners: whiteners.map(({ inverseFactor }) => inverseFactor),
  };
}

/** The classes' covariances, each counting by its degrees of freedom. */
function withinClassCovariance(groups: readonly MomentSums[]): Matrix {
  const dimensions = groups[0]?.first.length ?? 0;
  const scatter = Matrix.zeros(dimensions, dimensions);
  for (const sums of groups) scatter.add(gaussianOf(sums).covariance.mul(sums.count - 1));
  return scatter.div(groups.reduce((freedom, { count }) => freedom + count - 1, 0));
}

function mix(own: Matrix, common: Matrix, pooling: number): Matrix {
  return own
    .clone()
    .mul(1 - pooling)
    .add(common.clone().mul(pooling));
}

function regularise(covariance: Matrix, shrinkage: number): Matrix {
  const variances = covariance.diagonal();
  const ridge = (RIDGE * covariance.trace()) / covariance.rows;
  const floor = Number.MIN_VALUE ** 0.5;
  return covariance
    .clone()
    .mul(1 - shrinkage)
    .add(Matrix.diag(variances).mul(shrinkage))
    .add(Matrix.eye(covariance.rows).mul(Math.max(ridge, floor)));
}

function whiten(covariance: Matrix): { inverseFactor: number[]; logDeterminant: number } {
  const factor = new CholeskyDecomposition(covariance).lowerTriangularMatrix;
  const inverse = solve(factor, Matrix.eye(factor.rows));
  const logDeterminant = 2 * factor.diagonal().reduce((sum, value) => sum + Math.log(value), 0);
  return { inverseFactor: packLowerTriangle(inverse), logDeterminant };
}

function packLowerTriangle(matrix: Matrix): number[] {
  return Array.from({ length: matrix.rows }, (_, row) => matrix.getRow(row).slice(0, row + 1)).flat();
}

function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must lie in 0..1, not ${value}`);
}
