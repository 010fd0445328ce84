import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from './graph-builder.js';
import { estimatePeakBytes } from './peak-memory.js';

const COUNT = 100;
const VECTOR_BYTES = 4 * COUNT;

const setUp = () => {
  const g = new GraphBuilder();
  const x = g.input('x', [COUNT], 'float32');
  const apply = (op: string, ...inputs: (typeof x)[]) => g.apply(op, inputs, { shape: [COUNT] });
  return { g, x, apply };
};

describe('estimatePeakBytes', () => {
  it('counts what is alive at once, not what a chain has dropped', () => {
    const { g, x, apply } = setUp();
    const end = apply('Exp', apply('Log', apply('Abs', apply('Neg', x))));
    // Input, output, and of the three vectors in between two at a time.
    expect(estimatePeakBytes(g.build([{ name: 'y', value: end }]))).toBe(4 * VECTOR_BYTES);
  });

  it('counts what a later node still has to read', () => {
    const { g, x, apply } = setUp();
    const kept = [apply('Neg', x), apply('Abs', x), apply('Exp', x)];
    const end = kept.reduce((sum, value) => apply('Add', sum, value), x);
    // Input, output, the three kept ones and the first sum.
    expect(estimatePeakBytes(g.build([{ name: 'y', value: end }]))).toBe(6 * VECTOR_BYTES);
  });

  it('counts a reshape as its input, alive as long as either is read', () => {
    const { g, x } = setUp();
    const negative = g.apply('Neg', [x], { shape: [COUNT] });
    const square = g.apply('Exp', [g.reshape(negative, [10, 10])], { shape: [10, 10] });
    const shapeBytes = 2 * 8;
    expect(estimatePeakBytes(g.build([{ name: 'y', value: square }]))).toBe(3 * VECTOR_BYTES + shapeBytes);
  });

  it('counts constants and narrow types by their size', () => {
    const { g } = setUp();
    const constant = g.constant([1, 2, 3, 4], [4], 'int64');
    const y = g.apply('Cast', [constant], { shape: [4], type: 'bool' });
    expect(estimatePeakBytes(g.build([{ name: 'y', value: y }]))).toBe(VECTOR_BYTES + 4 * 8 + 4);
  });
});
