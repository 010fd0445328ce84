import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/**
 * The positive semi-definite square root of a positive semi-definite matrix, `V diag(sqrt(lambda)) V^T`.
 * Eigenvalues that rounding made negative count as zero.
 */
export function symmetricSquareRoot(matrix: Matrix): Matrix {
  const { eigenvectorMatrix: vectors, realEigenvalues } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const roots = realEigenvalues.map((lambda) => Math.sqrt(Math.max(lambda, 0)));
  return vectors.clone().mulRowVector(roots).mmul(vectors.transpose());
}
