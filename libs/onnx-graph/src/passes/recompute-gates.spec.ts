import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../graph/graph-builder.js';
import type { Graph, Value } from '../graph/graph.js';
import { recomputeGates } from './recompute-gates.js';

const SHAPE = [1, 2, 3, 1];

/** A gate that is read at once and again after `between` other nodes. */
function build(between: number, normalise: (g: GraphBuilder, x: Value) => Value): { graph: Graph; gate: Value } {
  const g = new GraphBuilder();
  const gate = g.apply('Sigmoid', [normalise(g, g.input('x', SHAPE, 'float32'))], { shape: SHAPE });
  let value = g.apply('Exp', [gate], { shape: SHAPE });
  for (let i = 0; i < between; i++) value = g.apply('Neg', [value], { shape: SHAPE, attributes: { i } });
  const y = g.apply('Mul', [value, gate], { shape: SHAPE });
  return { graph: recomputeGates(g.build([{ name: 'y', value: y }])), gate };
}

const scaling = (group: number) => (g: GraphBuilder, x: Value) =>
  g.apply('Conv', [x, g.input('scale', [2, 1, 1, 1], 'float32')], { shape: SHAPE, attributes: { group } });

/** A depthwise convolution of three rows: it has its group's number of channels, and is no norm. */
const depthwise = (g: GraphBuilder, x: Value) =>
  g.apply('Conv', [x, g.input('weight', [2, 1, 3, 1], 'float32')], {
    shape: SHAPE,
    attributes: { group: 2, dilations: [2, 1], pads: [2, 0, 2, 0] },
  });

const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op).filter((op) => op !== 'Neg');

describe('recomputeGates', () => {
  it('makes a gate again, from the input of its normalisation, just before a reader far away', () => {
    const { graph, gate } = build(100, scaling(2));
    expect(ops(graph)).toEqual(['Conv', 'Sigmoid', 'Exp', 'FusedConv', 'Mul']);
    const [again, reader] = graph.nodes.slice(-2);
    expect(reader?.inputs[1]).toBe(again?.outputs[0]);
    expect(reader?.inputs[1]).not.toBe(gate);
    const [first] = graph.nodes;
    expect(again?.inputs).toEqual(first?.inputs);
    expect(again?.attributes).toEqual({ ...first?.attributes, activation: 'Sigmoid' });
  });

  it('keeps a gate that is read soon, and one that no normalisation leads to', () => {
    expect(ops(build(10, scaling(2)).graph)).toEqual(['Conv', 'Sigmoid', 'Exp', 'Mul']);
    expect(ops(build(100, scaling(1)).graph)).toEqual(['Conv', 'Sigmoid', 'Exp', 'Mul']);
    expect(ops(build(100, depthwise).graph)).toEqual(['Conv', 'Sigmoid', 'Exp', 'Mul']);
    expect(ops(build(100, (_, x) => x).graph)).toEqual(['Sigmoid', 'Exp', 'Mul']);
  });
});
