import * as tf from '@tensorflow/tfjs-core';
import { binary, unary } from '../symbolic/elementwise.js';
import { kernel, type RecordedKernel } from '../kernel.js';

export const SILU = 'TributarySilu';
export const SILU_GRADIENT = 'TributarySiluGradient';

/** The recorded forms. The gradient is dy · (s + y - y s) with s = sigmoid(x): no second sigmoid, and x is not kept. */
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
    const slope = binary(g, 'Add', [gate, binary(g, 'Sub', [y, binary(g, 'Mul', [y, gate])])]);
    return binary(g, 'Mul', [dy, slope]);
  }),
];
