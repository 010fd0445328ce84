import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../graph/graph-builder.js';
import type { Graph, Value } from '../graph/graph.js';
import { removeDeadCode } from './dead-code.js';
import { recomputeGates } from './recompute-gates.js';

const SHAPE = [1, 2, 3, 1];

/** A gate `between` nodes after the normalisation that leads to it. */
function build(between: number, normalise: (g: GraphBuilder, x: Value) => Value, op = 'Exp'): Graph {
  const g = new GraphBuilder();
  const normalised = normalise(g, g.input('x', SHAPE, 'float32'));
  let value = g.apply('Tanh', [normalised], { shape: SHAPE });
  for (let i = 0; i < between; i++) value = g.apply('Exp', [value], { shape: SHAPE, attributes: { i } });
  const changed = g.apply(op, [normalised], { shape: SHAPE });
  const gate = g.apply('Sigmoid', [op === 'Exp' ? normalised : changed], { shape: SHAPE });
  const y = g.apply('Mul', [value, gate], { shape: SHAPE });
  return removeDeadCode(recomputeGates(g.build([{ name: 'y', value: y }])));
}

const scaling = (group: number) => (g: GraphBuilder, x: Value) =>
  g.apply('Conv', [x, g.input('scale', [2, 1, 1, 1], 'float32')], { shape: SHAPE, attributes: { group } });

/** A depthwise convolution of three rows: it has its group's number of channels, and is no norm. */
const depthwise = (g: GraphBuilder, x: Value) =>
  g.apply('Conv', [x, g.input('weight', [2, 1, 3, 1], 'float32')], {
    shape: SHAPE,
    attributes: { group: 2, dilations: [2, 1], pads: [2, 0, 2, 0] },
  });

const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op).filter((op) => op !== 'Exp');

describe('recomputeGates', () => {
  it('makes a gate far behind its normalisation from the input of that, in one operator', () => {
    const graph = build(100, scaling(2));
    expect(ops(graph)).toEqual(['Conv', 'Tanh', 'FusedConv', 'Mul']);
    const [again, reader] = graph.nodes.slice(-2);
    const [first] = graph.nodes;
    expect(reader?.inputs[1]).toBe(again?.outputs[0]);
    expect(again?.inputs).toEqual(first?.inputs);
    expect(again?.attributes).toEqual({ ...first?.attributes, activation: 'Sigmoid' });
  });

  it('turns the sign of the normalisation for a gate of the negative', () => {
    const graph = build(100, scaling(2), 'Neg');
    expect(ops(graph)).toEqual(['Conv', 'Tanh', 'Neg', 'FusedConv', 'Mul']);
    const [sign, again] = graph.nodes.slice(-3);
    const [first] = graph.nodes;
    expect(sign?.inputs).toEqual([first?.inputs[1]]);
    expect(again?.inputs).toEqual([first?.inputs[0], sign?.outputs[0]]);
  });

  it('keeps a gate that is near, and one that no normalisation leads to', () => {
    expect(ops(build(10, scaling(2)))).toEqual(['Conv', 'Tanh', 'Sigmoid', 'Mul']);
    expect(ops(build(100, scaling(1)))).toEqual(['Conv', 'Tanh', 'Sigmoid', 'Mul']);
    expect(ops(build(100, depthwise))).toEqual(['Conv', 'Tanh', 'Sigmoid', 'Mul']);
    expect(ops(build(100, (_, x) => x))).toEqual(['Tanh', 'Sigmoid', 'Mul']);
  });
});
