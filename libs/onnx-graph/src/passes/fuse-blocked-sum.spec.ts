import { describe, expect, it } from '@jest/globals';
import type { Value } from '../graph/graph.js';
import { GraphBuilder, NCHWC } from '../graph/graph-builder.js';
import { removeDeadCode } from './dead-code.js';
import { fuseBlockedSum } from './fuse-blocked-sum.js';

const IMAGE = [2, 16, 4, 4];
const MERGED = [1, 32, 4, 4];

/** A builder with inputs, a convolution of merged images, and an image that nothing but the sum is to read. */
function setUp() {
  const g = new GraphBuilder();
  const weight = g.input('weight', [32, 1, 1, 1], 'float32');
  const x = g.input('x', MERGED, 'float32');
  const convolve = (image: Value, added?: Value, attributes = {}) =>
    g.apply('Conv', added ? [image, weight, undefined, added] : [image, weight], {
      shape: MERGED,
      attributes,
      domain: NCHWC,
    });
  const z = g.apply('Exp', [g.input('z', IMAGE, 'float32')], { shape: IMAGE });
  const add = (a: Value, b: Value) => g.apply('Add', [a, b], { shape: IMAGE });
  const fused = (...values: Value[]) =>
    removeDeadCode(fuseBlockedSum(g.build(values.map((value, i) => ({ name: `y${i}`, value })))));
  return { g, x, z, convolve, add, fused };
}

describe('fuseBlockedSum', () => {
  it('lets the convolution add the image, on either side of the sum', () => {
    for (const isFirst of [true, false]) {
      const { g, x, z, convolve, add, fused } = setUp();
      const y = g.reshape(convolve(x), IMAGE);
      const { nodes, outputs } = fused(isFirst ? add(y, z) : add(z, y));
      expect(nodes.map(({ op }) => op)).toEqual(['Exp', 'Reshape', 'Conv', 'Reshape']);
      const [, view, convolution, last] = nodes;
      expect(view?.inputs[0]).toBe(z);
      expect(view?.inputs[1]?.data).toEqual(MERGED);
      expect(convolution?.inputs.slice(2)).toEqual([undefined, view?.outputs[0]]);
      expect(last?.outputs[0]).toBe(outputs[0]?.value);
    }
  });

  it('gives the image to the first of two convolutions that are added', () => {
    const { g, x, z, convolve, add, fused } = setUp();
    const first = convolve(x);
    const { nodes } = fused(add(g.reshape(convolve(g.input('dy', MERGED, 'float32'), first), IMAGE), z));
    expect(nodes.map(({ op }) => op)).toEqual(['Exp', 'Reshape', 'Conv', 'Conv', 'Reshape']);
    expect(nodes[2]?.inputs[3]).toBe(nodes[1]?.outputs[0]);
    expect(nodes[3]?.inputs[3]).toBe(first);
  });

  it.each<[string, (parts: ReturnType<typeof setUp>) => Value[]]>([
    [
      'an image that is read afterwards, also in another shape',
      ({ g, x, z, convolve, add }) => {
        const sum = add(g.reshape(convolve(x), IMAGE), z);
        return [sum, g.apply('Neg', [g.reshape(z, [512])], { shape: [512] })];
      },
    ],
    [
      'an image that is an input',
      ({ g, x, convolve, add }) => [add(g.reshape(convolve(x), IMAGE), g.reshape(x, IMAGE))],
    ],
    ['an image that is an output', ({ g, x, z, convolve, add }) => [add(g.reshape(convolve(x), IMAGE), z), z]],
    [
      'a convolution that something else reads',
      ({ g, x, z, convolve, add }) => {
        const y = g.reshape(convolve(x), IMAGE);
        return [add(y, z), g.apply('Neg', [y], { shape: IMAGE })];
      },
    ],
    [
      'a convolution that ends with an activation',
      ({ g, x, z, convolve, add }) => [add(g.reshape(convolve(x, undefined, { activation: 'Sigmoid' }), IMAGE), z)],
    ],
    [
      'one number',
      ({ g, x, convolve, add }) => [
        add(
          g.reshape(convolve(x), IMAGE),
          g.apply('Exp', [g.input('one', [1, 1, 1, 1], 'float32')], { shape: [1, 1, 1, 1] }),
        ),
      ],
    ],
  ])('leaves %s', (_, build) => {
    const parts = setUp();
    expect(parts.fused(...build(parts)).nodes.map(({ op }) => op)).toContain('Add');
  });
});
