import type { Hazards } from '@tributary/tensor';
import type { Addon, Binding, NativeGraph, NativeValues, OpAttribute } from './binding.js';

/**
 * A binding whose operations go into a graph instead of being executed. tfjs-node's kernels do not notice: they are
 * answered with the shapes that TensorFlow infers.
 * @param graph the graph under construction, at the time of the call.
 */
export function graphBinding(
  { addon, binding }: { addon: Addon; binding: Binding },
  graph: () => NativeGraph,
  hazards: Hazards,
): Binding {
  const methods: Partial<Binding> = {
    createTensor: (shape, dtype, values: NativeValues) => addon.graphConstant(graph(), shape, dtype, values).id,
    executeOp: (name, attributes: readonly OpAttribute[], inputs) =>
      addon.graphOperation(graph(), name, attributes, inputs),
    deleteTensor: () => undefined,
    tensorDataSync: () => hazards.refuseRead(),
  };
  // The constants of the addon are properties that cannot be copied or replaced; these are laid over them.
  const laidOver = Object.fromEntries(Object.entries(methods).map(([name, value]) => [name, { value }]));
  return Object.create(binding, laidOver) as Binding;
}
