import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from './graph-builder.js';

const setUp = () => {
  const g = new GraphBuilder();
  return { g, x: g.input('x', [2, 3, 4], 'float32') };
};
const opsOf = (g: GraphBuilder) => g.build([]).nodes.map((node) => node.op);

describe('GraphBuilder', () => {
  it('writes the same operator on the same inputs once', () => {
    const { g, x } = setUp();
    expect(g.apply('Exp', [x], { shape: x.shape })).toBe(g.apply('Exp', [x], { shape: x.shape }));
    expect(g.apply('Elu', [x], { shape: x.shape, attributes: { alpha: { float: 1 } } })).not.toBe(
      g.apply('Elu', [x], { shape: x.shape, attributes: { alpha: { float: 2 } } }),
    );
  });

  it('shares small constants, but not 0 with -0', () => {
    const { g } = setUp();
    expect(g.scalar(2)).toBe(g.scalar(2));
    expect(g.scalar(0)).not.toBe(g.scalar(-0));
    expect(g.scalar(2)).not.toBe(g.scalar(2, 1));
  });

  it('collapses chains of reshapes, to nothing where the shape comes back', () => {
    const { g, x } = setUp();
    const flat = g.reshape(g.reshape(x, [6, 4]), [24]);
    expect(g.producer(flat)?.inputs[0]).toBe(x);
    expect(g.reshape(flat, [2, 3, 4])).toBe(x);
  });

  it('composes transposes, to nothing where they cancel', () => {
    const { g, x } = setUp();
    const once = g.transpose(x, [2, 0, 1]);
    expect(once.shape).toEqual([4, 2, 3]);
    expect(g.transpose(once, [1, 2, 0])).toBe(x);
    expect(g.producer(g.transpose(once, [1, 0, 2]))?.attributes).toEqual({ perm: [0, 2, 1] });
  });

  it('moves dimensions of size 1 by reshape', () => {
    const { g } = setUp();
    const narrow = g.input('narrow', [2, 1, 4], 'float32');
    g.transpose(narrow, [1, 0, 2]);
    expect(opsOf(g)).toEqual(['Reshape']);
  });

  it('makes a named constant once', () => {
    const { g } = setUp();
    const make = () => Float32Array.of(1, 2, 3);
    expect(g.namedConstant('a', [3], make)).toBe(g.namedConstant('a', [3], () => new Float32Array(3)));
    expect(g.namedConstant('b', [3], make)).not.toBe(g.namedConstant('a', [3], make));
  });

  it('refuses a reshape to another number of elements', () => {
    const { g, x } = setUp();
    expect(() => g.reshape(x, [5])).toThrow(RangeError);
  });
});
