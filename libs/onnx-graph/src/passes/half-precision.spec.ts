import { describe, expect, it } from '@jest/globals';
import type { Graph, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { halfPrecision } from './half-precision.js';
import { optimise } from './optimise.js';

const GPU = { device: 'gpu' } as const;
const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);
const typesOf = (values: readonly (Value | undefined)[]) => values.map((value) => value?.type);

const build = (make: (g: GraphBuilder, x: Value, w: Value) => Value) => {
  const g = new GraphBuilder(GPU);
  const value = make(g, g.input('x', [4, 4], 'float32'), g.input('w', [4, 4], 'float32'));
  return halfPrecision(g.build([{ name: 'y', value }]), GPU);
};
const product = (g: GraphBuilder, a: Value, b: Value) => g.apply('MatMul', [a, b], { shape: [4, 4] });

describe('halfPrecision', () => {
  it('casts what a product reads to float16 and what it gives back to float32', () => {
    const { nodes, outputs } = build(product);
    expect(nodes.map(({ op }) => op)).toEqual(['Cast', 'Cast', 'MatMul', 'Cast']);
    expect(typesOf(nodes[2]?.inputs ?? [])).toEqual(['float16', 'float16']);
    expect(typesOf(nodes[2]?.outputs ?? [])).toEqual(['float16']);
    expect(nodes[3]?.outputs[0]).toBe(outputs[0]?.value);
    expect(outputs[0]?.value.type).toBe('float32');
  });

  it('casts a value once for all its readers, and not at all between two products', () => {
    expect(ops(build((g, x, w) => product(g, product(g, x, w), w)))).toEqual(
      'Cast Cast MatMul Cast MatMul Cast'.split(' '),
    );
  });

  it('holds the casts apart with a reshape on a processor, which would take them for inverses', () => {
    const g = new GraphBuilder();
    const value = product(g, g.input('x', [4, 4], 'float32'), g.input('w', [4, 4], 'float32'));
    const wide = g.build([{ name: 'y', value }]);
    expect(ops(halfPrecision(wide, g.target))).toEqual('Cast Reshape Cast Reshape MatMul Reshape Cast'.split(' '));
  });

  it('runs only where the target asks for it', () => {
    const g = new GraphBuilder(GPU);
    const value = product(g, g.input('x', [4, 4], 'float32'), g.input('w', [4, 4], 'float32'));
    const wide = g.build([{ name: 'y', value }]);
    expect(ops(optimise(wide, GPU))).toEqual(['MatMul']);
    expect(ops(optimise(wide, { ...GPU, precision: 'float16' }))).toContain('Cast');
  });

  it('leaves sums of rows by index alone', () => {
    const g = new GraphBuilder(GPU);
    const chosen = g.input('chosen', [4, 4], 'bool');
    const rows = g.apply('Cast', [chosen], { shape: [4, 4], type: 'float32' });
    const value = product(g, rows, g.input('x', [4, 4], 'float32'));
    expect(ops(halfPrecision(g.build([{ name: 'y', value }]), GPU))).toEqual(['Cast', 'MatMul']);
  });

  it('leaves everything else alone', () => {
    const y = build((g, x) =>
      g.apply('ReduceSum', [g.apply('Exp', [x], { shape: [4, 4] }), g.int64([0])], { shape: [4] }),
    );
    expect(ops(y)).toEqual(['Exp', 'ReduceSum']);
  });

  it('leaves products alone that are sums: dot products, and one row times a matrix', () => {
    const dot = build((g, x, w) => {
      const inputs = [g.reshape(x, [4, 1, 4]), g.reshape(w, [4, 4, 1])];
      return g.apply('MatMul', inputs, { shape: [4, 1, 1] });
    });
    expect(ops(dot)).not.toContain('Cast');
    const row = build((g, x, w) =>
      g.apply('MatMul', [g.reshape(x, [2, 1, 8]), g.reshape(w, [2, 8, 1])], { shape: [2, 1, 1] }),
    );
    expect(ops(row)).not.toContain('Cast');
  });

  it('casts convolutions with their bias, but not those by which a norm scales its channels', () => {
    const convolve = (group: number, kernel: readonly number[]) => {
      const g = new GraphBuilder(GPU);
      const x = g.input('x', [1, 4, 5, 5], 'float32');
      const w = g.input('w', [4, 4 / group, ...kernel], 'float32');
      const value = g.apply('Conv', [x, w, g.input('b', [4], 'float32')], {
        shape: [1, 4, 5, 5],
        attributes: { group, kernel_shape: kernel },
      });
      return ops(halfPrecision(g.build([{ name: 'y', value }]), GPU));
    };
    expect(convolve(1, [1, 1])).toEqual(['Cast', 'Cast', 'Cast', 'Conv', 'Cast']);
    expect(convolve(4, [3, 3])).toEqual(['Cast', 'Cast', 'Cast', 'Conv', 'Cast']);
    expect(convolve(4, [1, 1])).toEqual(['Conv']);
  });
});
