import * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '@tributary/onnx-graph';
import { binary, unary } from '../symbolic/elementwise.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { fillFloat, type Symbolic } from '../symbolic/symbolic.js';

export const SILU = 'TributarySilu';
export const SILU_GRADIENT = 'TributarySiluGradient';

const silu = (g: GraphBuilder, x: Symbolic): Symbolic => binary(g, 'Mul', [x, unary(g, 'Sigmoid', x)]);

/**
 * The recorded forms. The gradient is dy · (s + y - y s) with s = sigmoid(x) and the forward pass's own y: the same operators on
 * the same input are written once. Written as dy · (1 - (1 - s) (1 - y)) with 1 - s = sigmoid(-x), fewer of its operators read
 * two images, and the pass `recomputeGates` makes the sigmoid in one with the normalisation before it.
 */
export const siluKernels: readonly RecordedKernel[] = [
  {
    ...kernel(SILU, ['x'], (g, { x }) => silu(g, x)),
    gradient: {
      inputsToSave: ['x'],
      gradFunc: (dy, [x]) => {
        const [upstream] = [dy].flat();
        if (!x || !upstream) throw new RangeError('silu gradient: missing operands');
        return { x: () => tf.engine().runKernel(SILU_GRADIENT, { dy: upstream, x }) };
      },
    },
  },
  kernel(SILU_GRADIENT, ['dy', 'x'], (g, { dy, x }) => {
    const closed = unary(g, 'Sigmoid', unary(g, 'Neg', x));
    const fromOne = (s: Symbolic) => binary(g, 'Sub', [fillFloat(g, 1), s]);
    return binary(g, 'Mul', [dy, fromOne(binary(g, 'Mul', [closed, fromOne(silu(g, x))]))]);
  }),
];
