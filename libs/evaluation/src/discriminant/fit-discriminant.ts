import { CholeskyDecomposition, Matrix, solve } from 'ml-matrix';
import type { FeatureMoments, MomentSums } from '../moments/feature-moments.js';
import { gaussianOf } from '../moments/gaussian.js';
import type { Discriminant } from './discriminant.js';

export interface DiscriminantOptions {
  /** `linear`: one covariance for all classes. `quadratic`: one each, which needs many more images than dimensions. */
  readonly kind: 'linear' | 'quadratic';
  /** 0..1: how far every covariance is moved to its own diagonal (Schafer & Strimmer 2005, target D). */
  readonly shrinkage: number;
  /** 0..1, quadratic only: how far a class's covariance is moved to the common one (Friedman 1989, eq. 16). Default 0.5. */
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
  const common = withinClassScatter(groups.map(([, sums]) => sums));
  const covariances =
    kind === 'linear' ? [common] : groups.map(([, sums]) => mixScatters(scatterOf(sums), common, pooling));
  const fitted = covariances.map((scatter) => whiten(regularise(covarianceOf(scatter), shrinkage)));
  return {
    extractor: moments.extractor,
    dimensions: moments.dimensions,
    classes: groups.map(([label, sums], at) => {
      const whitener = kind === 'linear' ? 0 : at;
      return {
        label,
        mean: [...gaussianOf(sums).mean],
        logDeterminant: fitted[whitener]?.logDeterminant ?? 0,
        whitener,
      };
    }),
    whiteners: fitted.map(({ inverseFactor }) => inverseFactor),
  };
}

/** A sum of squared deviations and its degrees of freedom. */
interface Scatter {
  readonly sum: Matrix;
  readonly freedom: number;
}

function scatterOf(sums: MomentSums): Scatter {
  const freedom = sums.count - 1;
  return { sum: gaussianOf(sums).covariance.mul(freedom), freedom };
}

function withinClassScatter(groups: readonly MomentSums[]): Scatter {
  const scatters = groups.map(scatterOf);
  const dimensions = groups[0]?.first.length ?? 0;
  const sum = Matrix.zeros(dimensions, dimensions);
  for (const scatter of scatters) sum.add(scatter.sum);
  return { sum, freedom: scatters.reduce((total, scatter) => total + scatter.freedom, 0) };
}

function mixScatters(own: Scatter, common: Scatter, pooling: number): Scatter {
  const sum = own.sum
    .clone()
    .mul(1 - pooling)
    .add(common.sum.clone().mul(pooling));
  return { sum, freedom: (1 - pooling) * own.freedom + pooling * common.freedom };
}

function covarianceOf({ sum, freedom }: Scatter): Matrix {
  return sum.clone().div(freedom);
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
