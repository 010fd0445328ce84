import { at, type GraphBuilder, range, type Value } from '@tributary/onnx-graph';

/** Pixels of `dy` that one pass reads for 64 output channels: 1 MiB, which a core's second cache holds. */
const PIXELS_A_STRIP = 4300;

/** In how many equal strips of at least `fewestRows` rows an image [height, width] is read. */
export function stripCount([height = 0, width = 0]: readonly number[], fewestRows = 1): number {
  const wanted = Math.max(1, Math.round((height * width) / PIXELS_A_STRIP));
  const counts = range(wanted).map((i) => wanted - i);
  return counts.find((count) => height % count === 0 && height / count >= fewestRows) ?? 1;
}

/** The slices of the second dimension, which keeps size 1. */
export function slices(g: GraphBuilder, value: Value): readonly Value[] {
  const count = at(value.shape, 1);
  const shape = value.shape.with(1, 1);
  if (count === 1) return [value];
  return g.applyMany('Split', [value], {
    outputs: range(count).map(() => ({ shape, type: value.type })),
    attributes: { axis: 1, num_outputs: count },
  });
}
