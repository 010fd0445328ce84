import { describe, expect, it } from '@jest/globals';
import type { Graph, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { removeDeadCode } from './dead-code.js';
import { fuseBias } from './fuse-bias.js';
import { fuseSilu } from './fuse-silu.js';
import { fuseSumOfSquares } from './fuse-sum-of-squares.js';

const ops = (graph: Graph) => graph.nodes.map((node) => node.op);

describe('removeDeadCode', () => {
  it('drops nodes that no output needs, and what only they need', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2], 'float32');
    const y = g.apply('Exp', [x], { shape: [2] });
    g.apply('Log', [g.apply('Abs', [x], { shape: [2] })], { shape: [2] });
    expect(ops(removeDeadCode(g.build([{ name: 'y', value: y }])))).toEqual(['Exp']);
  });
});

describe('fuseBias', () => {
  const build = (finish: (g: GraphBuilder, convolved: Value, bias: Value) => Value[]) => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 2, 4, 4], 'float32');
    const w = g.input('w', [3, 2, 1, 1], 'float32');
    const b = g.input('b', [3], 'float32');
    const convolved = g.apply('Conv', [x, w], { shape: [1, 3, 4, 4] });
    const outputs = finish(g, convolved, g.reshape(b, [1, 3, 1, 1]));
    return removeDeadCode(fuseBias(g.build(outputs.map((value, i) => ({ name: `y${i}`, value })))));
  };
  const add = (g: GraphBuilder, a: Value, b: Value) => g.apply('Add', [a, b], { shape: [1, 3, 4, 4] });

  it('puts an added vector of channels into the convolution, on either side of the sum', () => {
    for (const fused of [build((g, c, b) => [add(g, c, b)]), build((g, c, b) => [add(g, b, c)])]) {
      expect(ops(fused)).toEqual(['Conv']);
      expect(fused.nodes[0]?.inputs.map((input) => input?.name)).toEqual(['x', 'w', 'b']);
      expect(fused.nodes[0]?.outputs[0]).toBe(fused.outputs[0]?.value);
    }
  });

  it('leaves a convolution alone that something else reads too', () => {
    expect(ops(build((g, c, b) => [add(g, c, b), g.apply('Exp', [c], { shape: c.shape })]))).toContain('Add');
  });

  it('leaves sums alone that are not one number a channel', () => {
    expect(ops(build((g, c) => [add(g, c, g.input('z', [1, 3, 4, 4], 'float32'))]))).toEqual(['Conv', 'Add']);
  });
});

describe('fuseSilu', () => {
  const build = (readsGate: boolean) => {
    const g = new GraphBuilder();
    const x = g.input('x', [5], 'float32');
    const gate = g.apply('Sigmoid', [x], { shape: [5] });
    const y = g.apply('Mul', [x, gate], { shape: [5] });
    const outputs = [{ name: 'y', value: y }, ...(readsGate ? [{ name: 'gate', value: gate }] : [])];
    return removeDeadCode(fuseSilu(g.build(outputs)));
  };

  it('makes one operator of x · sigmoid(x)', () => {
    expect(ops(build(false))).toEqual(['QuickGelu']);
    expect(build(false).nodes[0]?.attributes).toEqual({ alpha: { float: 1 } });
  });

  it('keeps the sigmoid when a gradient reads it', () => {
    expect(ops(build(true))).toEqual(['Sigmoid', 'Mul']);
  });
});

describe('fuseSumOfSquares', () => {
  const build = (multiply: (g: GraphBuilder, x: Value) => Value, readsSquares = false) => {
    const g = new GraphBuilder();
    const squares = multiply(g, g.input('x', [5], 'float32'));
    const y = g.apply('ReduceSum', [squares, g.int64([0])], { shape: [1], attributes: { keepdims: 1 } });
    const outputs = [{ name: 'y', value: y }, ...(readsSquares ? [{ name: 'squares', value: squares }] : [])];
    return removeDeadCode(fuseSumOfSquares(g.build(outputs)));
  };
  const square = (g: GraphBuilder, x: Value) => g.apply('Mul', [x, x], { shape: [5] });

  it('makes one operator of the sum of x · x, over the same axes', () => {
    const { nodes } = build(square);
    expect(nodes.map(({ op }) => op)).toEqual(['ReduceSumSquare']);
    expect(nodes[0]?.inputs.map((input) => input?.name ?? '')).toEqual(['x', expect.any(String)]);
    expect(nodes[0]?.attributes).toEqual({ keepdims: 1 });
  });

  it('keeps squares that something else reads, and products of two values', () => {
    expect(ops(build(square, true))).toEqual(['Mul', 'ReduceSum']);
    expect(ops(build((g, x) => g.apply('Mul', [x, g.input('z', [5], 'float32')], { shape: [5] })))).toEqual([
      'Mul',
      'ReduceSum',
    ]);
  });
});
