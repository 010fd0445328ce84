import { z } from 'zod';
import type { FeatureMoments, MomentSums, ThirdOrderSums } from './feature-moments.js';
import { packedPairs, packedTriples, packedTrace } from './symmetric-packing.js';

const count = z
  .int()
  .min(0)
  .max(2 ** 40);

/** Describes the flat vector of {@link encodeMoments}. */
export const momentsHeaderSchema = z
  .strictObject({
    format: z.literal('tributary-moments-1'),
    extractor: z.string().max(200),
    dimensions: z.int().min(1).max(4096),
    order: z.union([z.literal(2), z.literal(3)]),
    count,
    groups: z
      .array(
        z.strictObject({
          label: z
            .int()
            .min(0)
            .max(2 ** 31 - 1),
          count,
        }),
      )
      .max(4096),
  })
  .refine(({ groups }) => groups.every(({ label }, at) => at === 0 || label > (groups[at - 1]?.label ?? -1)), {
    path: ['groups'],
    message: 'labels must be distinct and ascending',
  })
  .refine(({ groups, count: total }) => groups.reduce((sum, group) => sum + group.count, 0) <= total, {
    path: ['groups'],
    message: 'the groups hold more images than there are',
  });
export type MomentsHeader = z.infer<typeof momentsHeaderSchema>;

export interface EncodedMoments {
  readonly header: MomentsHeader;
  /** Pooled first, second; then, order 3, third, sum of |x|^4, sum of |x|^6; then first and second of each group. */
  readonly values: Float64Array;
}

/** As a JSON header and one flat vector, e.g. the metadata and the one F64 tensor of a safetensors file. */
export function encodeMoments(moments: FeatureMoments): EncodedMoments {
  const { pooled, higher, groups, extractor, dimensions } = moments;
  const parts = [pooled.first, pooled.second];
  if (higher) parts.push(higher.third, Float64Array.of(higher.normFourth, higher.normSixth));
  for (const group of groups.values()) parts.push(group.first, group.second);
  const header: MomentsHeader = {
    format: 'tributary-moments-1',
    extractor,
    dimensions,
    order: higher ? 3 : 2,
    count: pooled.count,
    groups: [...groups].map(([label, sums]) => ({ label, count: sums.count })),
  };
  return { header, values: concatenate(parts) };
}

/**
 * The inverse of {@link encodeMoments}, for moments that came from elsewhere.
 * @throws ZodError for a malformed header; RangeError if the values have another length than it says, are not finite, or cannot be sums of powers.
 */
export function decodeMoments(header: unknown, values: Float64Array): FeatureMoments {
  const { extractor, dimensions, order, count: total, groups } = momentsHeaderSchema.parse(header);
  const expected = encodedLength(dimensions, order, groups.length);
  if (values.length !== expected)
    throw new RangeError(`moments hold ${values.length} values; ${expected} were expected`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`moment value ${bad} is not finite`);
  const cursor = new Cursor(values);
  const pooled = cursor.sums(total, dimensions);
  const higher = order === 3 ? cursor.thirdOrder(dimensions) : undefined;
  const decodedGroups = groups.map((group): [number, MomentSums] => [
    group.label,
    cursor.sums(group.count, dimensions),
  ]);
  return { extractor, dimensions, pooled, higher, groups: new Map(decodedGroups) };
}

/** {@link EncodedMoments} as one JSON value: the vector as base64 of little-endian float64. */
export const momentsJsonSchema = z.strictObject({ header: momentsHeaderSchema, values: z.base64() });
export type MomentsJson = z.infer<typeof momentsJsonSchema>;

/** Moments for a JSON document: the header, and the numbers as base64 of little-endian float64. */
export function momentsToJson(moments: FeatureMoments): MomentsJson {
  const { header, values } = encodeMoments(moments);
  const bytes = Buffer.alloc(values.byteLength);
  values.forEach((value, at) => bytes.writeDoubleLE(value, at * Float64Array.BYTES_PER_ELEMENT));
  return { header, values: bytes.toString('base64') };
}

/** @throws ZodError or RangeError like {@link decodeMoments}. */
export function momentsFromJson(json: unknown): FeatureMoments {
  const { header, values } = momentsJsonSchema.parse(json);
  const bytes = Buffer.from(values, 'base64');
  if (bytes.length % Float64Array.BYTES_PER_ELEMENT !== 0)
    throw new RangeError('moment values are not whole float64 numbers');
  const decoded = Float64Array.from({ length: bytes.length / Float64Array.BYTES_PER_ELEMENT }, (_, at) =>
    bytes.readDoubleLE(at * Float64Array.BYTES_PER_ELEMENT),
  );
  return decodeMoments(header, decoded);
}

function encodedLength(dimensions: number, order: 2 | 3, groups: number): number {
  const sums = dimensions + packedPairs(dimensions);
  return sums * (1 + groups) + (order === 3 ? packedTriples(dimensions) + 2 : 0);
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Takes the parts off the flat vector, in order. */
class Cursor {
  private offset = 0;

  constructor(private readonly values: Float64Array) {}

  sums(total: number, dimensions: number): MomentSums {
    const first = this.take(dimensions);
    const second = this.take(packedPairs(dimensions));
    const firstSquared = first.reduce((sum, value) => sum + value * value, 0);
    const squares = packedTrace(second, dimensions);
    // Cauchy-Schwarz, with room for rounding: |sum x|^2 <= n sum |x|^2.
    if (firstSquared > total * squares * (1 + 1e-9))
      throw new RangeError('moments are not sums of powers of any features');
    return { count: total, first, second };
  }

  thirdOrder(dimensions: number): ThirdOrderSums {
    const third = this.take(packedTriples(dimensions));
    const [normFourth = 0, normSixth = 0] = this.take(2);
    if (normFourth < 0 || normSixth < 0) throw new RangeError('sums of even powers cannot be negative');
    return { third, normFourth, normSixth };
  }

  private take(length: number): Float64Array {
    const part = this.values.slice(this.offset, this.offset + length);
    this.offset += length;
    return part;
  }
}
