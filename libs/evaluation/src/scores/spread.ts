import { z } from 'zod';

/** A figure measured with several seeds. */
export const spreadSchema = z.strictObject({
  mean: z.number(),
  /** Sample standard deviation (divisor n - 1); 0 for one seed. */
  sd: z.number().min(0),
  perSeed: z.array(z.number()).min(1),
});
export type Spread = z.infer<typeof spreadSchema>;

/** @throws RangeError for no values. */
export function spreadOf(perSeed: readonly number[]): Spread {
  const n = perSeed.length;
  if (n === 0) throw new RangeError('no values to average');
  const mean = perSeed.reduce((sum, value) => sum + value, 0) / n;
  const squares = perSeed.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, perSeed: [...perSeed] };
}
