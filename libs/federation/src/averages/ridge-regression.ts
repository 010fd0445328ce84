/**
 * The x that makes ‖A x - b‖² + ridge² ‖x‖² least, by QR of A with ridge · I below it (modified Gram-Schmidt: Björck 1967).
 * Columns of A may depend on each other; of the many good x it then is the shortest.
 *
 * @param columns Of A, as long as `target`; at least one.
 * @param ridge   > 0; far below the length of the columns.
 */
export function ridgeRegression(columns: readonly Float64Array[], target: Float64Array, ridge: number): Float64Array {
  const rows = target.length;
  const basis: Float64Array[] = [];
  const triangle: number[][] = [];
  for (const [index, column] of columns.entries()) {
    const rest = new Float64Array(rows + columns.length);
    rest.set(column);
    rest[rows + index] = ridge;
    const overlaps = basis.map((direction) => removeDirection(rest, direction));
    const length = Math.sqrt(dot(rest, rest));
    basis.push(rest.map((value) => value / length));
    triangle.push([...overlaps, length]);
  }
  const rest = new Float64Array(rows + columns.length);
  rest.set(target);
  const projections = basis.map((direction) => removeDirection(rest, direction));
  return backSubstitution(triangle, projections);
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
