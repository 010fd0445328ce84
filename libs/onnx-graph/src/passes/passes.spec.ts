import { describe, expect, it } from '@jest/globals';
import type { Graph, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { removeDeadCode } from './dead-code.js';
import { fuseBias } from './fuse-bias.js';
import { fuseResidual } from './fuse-residual.js';
import { fuseSilu } from './fuse-silu.js';
import { fuseSumOfSquares } from './fuse-sum-of-squares.js';
import { optimise } from './optimise.js';

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

describe('fuseResidual', () => {
  const SHAPE = [1, 3, 4, 4];
  const build = (finish: (g: GraphBuilder, convolved: Value, z: Value) => Value[], domain = '') => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 2, 4, 4], 'float32');
    const inputs = [x, g.input('w', [3, 2, 3, 3], 'float32'), g.input('b', [3], 'float32')];
    const convolved = g.apply('Conv', inputs, { shape: SHAPE, attributes: { pads: [1, 1, 1, 1] }, domain });
    const outputs = finish(g, convolved, g.input('z', SHAPE, 'float32'));
    return fuseResidual(g.build(outputs.map((value, i) => ({ name: `y${i}`, value }))));
  };
  const add = (g: GraphBuilder, a: Value, b: Value) => g.apply('Add', [a, b], { shape: SHAPE });

  it('adds an image in the convolution, on either side of the sum', () => {
    for (const fused of [build((g, c, z) => [add(g, c, z)]), build((g, c, z) => [add(g, z, c)])]) {
      expect(ops(fused)).toEqual(['FusedConv']);
      expect(fused.nodes[0]?.inputs.map((input) => input?.name)).toEqual(['x', 'w', 'b', 'z']);
      expect(fused.nodes[0]?.attributes).toEqual({ pads: [1, 1, 1, 1] });
      expect(fused.nodes[0]?.outputs[0]).toBe(fused.outputs[0]?.value);
    }
  });

  it('leaves sums alone that something else reads in part, that broadcast, or that are blocked', () => {
    expect(ops(build((g, c, z) => [add(g, c, z), g.apply('Exp', [c], { shape: SHAPE })]))).toContain('Add');
    expect(ops(build((g, c) => [add(g, c, g.input('one', [1], 'float32'))]))).toEqual(['Conv', 'Add']);
    expect(ops(build((g, c, z) => [add(g, c, z)], 'com.microsoft.nchwc'))).toEqual(['Conv', 'Add']);
  });
});

describe('optimise', () => {
  it("writes ONNX Runtime's own operators for the processor, and none for a file that everyone reads", () => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 2, 4, 4], 'float32');
    const convolved = g.apply('Conv', [x, g.input('w', [2, 2, 1, 1], 'float32')], { shape: x.shape });
    const gated = g.apply('Mul', [x, g.apply('Sigmoid', [x], { shape: x.shape })], { shape: x.shape });
    const graph = g.build([{ name: 'y', value: g.apply('Add', [convolved, gated], { shape: x.shape }) }]);
    expect(ops(optimise(graph, { device: 'cpu' }))).toEqual(['QuickGelu', 'FusedConv']);
    expect(ops(optimise(graph, { device: 'gpu' }))).toEqual(['Conv', 'QuickGelu', 'Add']);
    expect(ops(optimise(graph, { device: 'any' }))).toEqual(['Conv', 'Sigmoid', 'Mul', 'Add']);
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
