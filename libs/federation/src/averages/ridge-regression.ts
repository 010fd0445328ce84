/**
 * Least squares with a small penalty: the x that makes ‖A x - b‖² + ridge² ‖x‖² least, by QR of A with ridge · I below it (modified
 * Gram-Schmidt: Björck 1967). Columns of A may depend on each other; of the many good x it then is the shortest.
 */
export class RidgeRegression {
  /** Orthonormal. */
  private readonly basis: readonly Float64Array[];
  /** The columns of the upper triangular R, down to its diagonal. */
  private readonly triangle: readonly (readonly number[])[];

  /**
   * @param columns Of A, all of one length; at least one.
   * @param ridge   > 0; far below the length of the columns.
   */
  constructor(columns: readonly Float64Array[], ridge: number) {
    const basis: Float64Array[] = [];
    this.triangle = columns.map((column, index) => {
      const rest = new Float64Array(column.length + columns.length);
      rest.set(column);
      rest[column.length + index] = ridge;
      const overlaps = basis.map((direction) => removeDirection(rest, direction));
      const length = Math.sqrt(dot(rest, rest));
      basis.push(rest.map((value) => value / length));
      return [...overlaps, length];
    });
    this.basis = basis;
  }

  /** x for this b, which is as long as the columns. */
  solve(target: Float64Array): Float64Array {
    const rest = new Float64Array(target.length + this.basis.length);
    rest.set(target);
    const projections = this.basis.map((direction) => removeDirection(rest, direction));
    return backSubstitution(this.triangle, projections);
  }
}

/** Takes the part along `direction` out of `vector`. @returns How long it was. */
function removeDirection(vector: Float64Array, direction: Float64Array): number {
  const overlap = dot(vector, direction);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) - overlap * (direction[i] ?? 0);
  return overlap;
}

/** @param triangle The columns of an upper triangular matrix, down to their diagonal. */
function backSubstitution(triangle: readonly (readonly number[])[], right: readonly number[]): Float64Array {
  const solution = Float64Array.from(right);
  for (let i = triangle.length - 1; i >= 0; i--) {
    const column = triangle[i] ?? [];
    const value = (solution[i] ?? 0) / (column[i] ?? NaN);
    solution[i] = value;
    for (let k = 0; k < i; k++) solution[k] = (solution[k] ?? 0) - value * (column[k] ?? 0);
  }
  return solution;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
