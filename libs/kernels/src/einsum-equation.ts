/** The letters of `tf.einsum('ij,jk->ik', …)`: of every operand, and of the result. */
export interface EinsumLetters {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** @throws RangeError where a letter stands twice in one operand: diagonals are not taken. */
export function einsumLetters(equation: string): EinsumLetters {
  const [left = '', output = ''] = equation.replaceAll(' ', '').split('->');
  const operands = left.split(',').map((letters) => Array.from(letters));
  const twice = operands.find((letters) => new Set(letters).size < letters.length);
  if (twice !== undefined) throw new RangeError(`einsum: a letter stands twice in ${twice.join('')}`);
  return { operands, output: Array.from(output) };
}
