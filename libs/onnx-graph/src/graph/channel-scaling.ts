import type { Node } from './graph.js';

/** Whether a node is a convolution of one pixel and one channel a group: how a norm scales its channels. */
export function isChannelScaling({ op, inputs, attributes, outputs }: Node): boolean {
  const [, , ...kernelSize] = inputs[1]?.shape ?? [];
  return op === 'Conv' && attributes['group'] === outputs[0]?.shape[1] && kernelSize.every((size) => size === 1);
}
