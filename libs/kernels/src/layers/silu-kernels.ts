import * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '@tributary/onnx-graph';
import { binary, unary } from '../symbolic/elementwise.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { fillFloat, type Symbolic } from '../symbolic/symbolic.js';

export const SILU = 'TributarySilu';
export const SILU_GRADIENT = 'TributarySiluGradient';

/** y = x s with the gate s = sigmoid(x). */
function forward(g: GraphBuilder, x: Symbolic): Record<'y' | 'gate', Symbolic> {
  const gate = unary(g, 'Sigmoid', x);
  return { y: binary(g, 'Mul', [x, gate]), gate };
}

/**
 * The recorded forms. The gradient is dy · (s + y - y s), whose s and y are the forward pass's own: the same operators on the same
 * input are written once. Written as dy · (1 - (1 - s) (1 - y)), two of its operators read one image only.
 */
export const siluKernels: readonly RecordedKernel[] = [
  {
    ...kernel(SILU, ['x'], (g, { x }) => forward(g, x).y),
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
    const { y, gate } = forward(g, x);
    const fromOne = (s: Symbolic) => binary(g, 'Sub', [fillFloat(g, 1), s]);
    return binary(g, 'Mul', [dy, fromOne(binary(g, 'Mul', [fromOne(gate), fromOne(y)]))]);
  }),
];
