import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../graph/graph-builder.js';
import { inRunOrder } from './run-order.js';

describe('inRunOrder', () => {
  it('writes nodes backwards, each reshape beside what it reads', () => {
    const g = new GraphBuilder();
    const x = g.input('x', [4], 'float32');
    const early = g.apply('Exp', [x], { shape: [4] });
    const late = g.apply('Log', [x], { shape: [4] });
    const reshaped = g.reshape(early, [2, 2]);
    const y = g.apply('MatMul', [reshaped, g.reshape(late, [2, 2])], { shape: [2, 2] });
    const { nodes } = inRunOrder(g.build([{ name: 'y', value: y }]));
    const recorded = nodes.toReversed();
    expect(recorded.map(({ op }) => op)).toEqual(['Exp', 'Reshape', 'Log', 'Reshape', 'MatMul']);
    expect(recorded[1]?.inputs[0]).toBe(early);
    expect(recorded[3]?.inputs[0]).toBe(late);
  });
});
