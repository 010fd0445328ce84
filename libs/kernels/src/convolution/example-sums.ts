import { at, type GraphBuilder, product, type Value } from '@tributary/onnx-graph';

/** Numbers that are copied in the time that an operator takes to start. */
const JOINED_FIRST = 2 ** 18;

/**
 * Sums over examples of several values whose outermost numbers are those of examples, one behind the other:
 * [values, numbers of one example]. Small ones are joined first, which takes fewer operators.
 */
export function sumExamples(g: GraphBuilder, values: readonly Value[], batch: number): Value {
  const numbers = product(at(values, 0).shape) / batch;
  const sum = (value: Value, count: number) =>
    g.apply('ReduceSum', [g.reshape(value, [count, batch, numbers]), g.int64([1])], {
      shape: [count, numbers],
      attributes: { keepdims: 0 },
    });
  const join = (parts: readonly Value[]) => {
    const [rows = 0, ...rest] = at(parts, 0).shape;
    return g.apply('Concat', parts, { shape: [parts.length * rows, ...rest], attributes: { axis: 0 } });
  };
  if (values.length === 1) return sum(at(values, 0), 1);
  if (values.length * batch * numbers <= JOINED_FIRST) return sum(join(values), values.length);
  return join(values.map((value) => sum(value, 1)));
}
