import * as tf from '@tensorflow/tfjs-core';
import { binary, unary } from '../symbolic/elementwise.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { fillFloat, type Symbolic } from '../symbolic/symbolic.js';

export const SILU = 'TributarySilu';
export const SILU_GRADIENT = 'TributarySiluGradient';

/**
 * The recorded forms. The gradient is dy · (s + y - y s) with s = sigmoid(x): no second sigmoid, and x is not kept. Written as
 * dy · (1 - (1 - s) (1 - y)), two of its operators read one image only.
 */
export const siluKernels: readonly RecordedKernel[] = [
  {
    ...kernel(SILU, ['x'], (g, { x }) => {
      const gate = unary(g, 'Sigmoid', x);
      return [binary(g, 'Mul', [x, gate]), gate];
    }),
    gradient: {
      outputsToSave: [true, true],
      gradFunc: (dy, saved) => {
        const [y, gate] = saved;
        const [upstream] = [dy].flat();
        if (!y || !gate || !upstream) throw new RangeError('silu gradient: missing operands');
        return { x: () => tf.engine().runKernel(SILU_GRADIENT, { dy: upstream, y, gate }) };
      },
    },
  },
  kernel(SILU_GRADIENT, ['dy', 'y', 'gate'], (g, { dy, y, gate }) => {
    const fromOne = (s: Symbolic) => binary(g, 'Sub', [fillFloat(g, 1), s]);
    return binary(g, 'Mul', [dy, fromOne(binary(g, 'Mul', [fromOne(gate), fromOne(y)]))]);
  }),
];
