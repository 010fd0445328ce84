/** One stored power-function average: taken after `step` updates with exponent `gamma`. */
export interface EmaSnapshot {
  readonly step: number;
  readonly gamma: number;
}

/**
 * Weights with which stored averages add up to the average of any other width, Karras et al. 2024, algorithm 3: the least-squares
 * fit of the wanted profile by the stored ones.
 *
 * @param snapshots At least one; no two alike.
 * @returns One weight a snapshot; the reconstruction is Σ weight·average.
 * @throws RangeError when there is no snapshot or two cannot be told apart.
 */
export function postHocWeights(snapshots: readonly EmaSnapshot[], wanted: EmaSnapshot): Float64Array {
  if (snapshots.length === 0) throw new RangeError('post-hoc averages need snapshots');
  const rows = snapshots.map((a) => Float64Array.from(snapshots, (b) => profileProduct(a, b)));
  const right = Float64Array.from(snapshots, (snapshot) => profileProduct(snapshot, wanted));
  return solve(rows, right);
}

/** ∫ p_a p_b of two power-function profiles p(t) = (gamma + 1) t^gamma / step^(gamma + 1) on [0, step], their eq. 127. */
function profileProduct(a: EmaSnapshot, b: EmaSnapshot): number {
  const [early, late] = a.step <= b.step ? [a, b] : [b, a];
  const ratio = early.step / late.step;
  return (((early.gamma + 1) * (late.gamma + 1)) / (early.gamma + late.gamma + 1) / late.step) * ratio ** late.gamma;
}

/** Gaussian elimination with partial pivoting. */
function solve(rows: readonly Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const matrix = rows.map((row, i) => Float64Array.of(...row, right[i] ?? 0));
  for (let column = 0; column < size; column++) {
    const pivot = matrix
      .slice(column)
      .reduce((best, row) => (magnitudeAt(row, column) > magnitudeAt(best, column) ? row : best));
    if (magnitudeAt(pivot, column) < 1e-300) throw new RangeError('two snapshots cannot be told apart');
    matrix.splice(matrix.indexOf(pivot), 1);
    matrix.splice(column, 0, pivot);
    for (const row of matrix.slice(column + 1)) {
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (let k = column; k <= size; k++) row[k] = (row[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  const solution = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    const row = matrix[i] ?? new Float64Array();
    let sum = row[size] ?? 0;
    for (let k = i + 1; k < size; k++) sum -= (row[k] ?? 0) * (solution[k] ?? 0);
    solution[i] = sum / (row[i] ?? 1);
  }
  return solution;
}

function magnitudeAt(row: Float64Array, column: number): number {
  return Math.abs(row[column] ?? 0);
}
