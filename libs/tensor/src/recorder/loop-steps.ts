import {
  at,
  type ElementType,
  type Graph,
  type GraphOutput,
  type Node,
  removeDeadCode,
  type Value,
} from '@tributary/onnx-graph';
import type { Recording } from './record.js';
import type { Port } from './trace-step.js';

/** What a port is in the graph of one step, and what stands for it in the graph of all steps. */
interface Lifted {
  readonly inStep: Value;
  readonly port: Port;
  readonly value: Value;
}

/**
 * Makes `stepsPerCall` steps of one recording: its graph becomes the body of one ONNX `Loop` (operator set 16). Inputs and outputs
 * of the result are stacked, [stepsPerCall, …]; state that a step changes is handed from one iteration to the next, other state is
 * read from outside. The bits are those of as many single steps.
 */
export function loopSteps(recording: Recording, stepsPerCall: number): Recording {
  const { graph, inputs, outputs, state, nextState } = recording;
  const isChanged = ({ name }: Port) => nextState.some((next) => next.name === name);
  const stack = (port: Port): Port => ({
    ...port,
    graphName: `stacked.${port.graphName}`,
    shape: [stepsPerCall, ...port.shape],
  });
  const stacks = inputs.map((port) => lift(graph, port, stack(port)));
  const carried = state
    .filter(isChanged)
    .map((port) => lift(graph, port, { ...port, graphName: `first.${port.name}` }));
  const kept = state.filter((port) => !isChanged(port)).map((port) => inputNamed(graph, port));
  const last = carried.map(({ port }): Port => ({ ...port, graphName: `last.${port.name}` }));
  const stackedOutputs = outputs.map(stack);
  const results = [...last, ...stackedOutputs].map((port): GraphOutput => ({
    name: port.graphName,
    value: valueOf(port),
  }));
  const loop: Node = {
    op: 'Loop',
    domain: '',
    inputs: [scalar('loop.trips', 'int64', stepsPerCall), scalar('loop.always', 'bool', 1), ...valuesOf(carried)],
    outputs: results.map(({ value }) => value),
    attributes: { body: bodyOf(recording, stacks, carried) },
  };
  return {
    graph: { nodes: [loop], inputs: [...valuesOf(stacks), ...valuesOf(carried), ...kept], outputs: results },
    inputs: stacks.map(({ port }) => port),
    outputs: stackedOutputs,
    state: state.map((port) => carried.find((lifted) => lifted.port.name === port.name)?.port ?? port),
    nextState: last,
  };
}

/** One iteration: (iteration, condition, carried state) to (condition, next state, outputs); inputs are its rows of the stacks. */
function bodyOf({ graph }: Recording, stacks: readonly Lifted[], carried: readonly Lifted[]): Graph {
  const iteration = valueOf({ graphName: 'loop.iteration', shape: [], dtype: 'int64' });
  const condition = valueOf({ graphName: 'loop.condition', shape: [], dtype: 'bool' });
  const rows = stacks.map(({ inStep, value }): Node => ({
    op: 'Gather',
    domain: '',
    inputs: [value, iteration],
    outputs: [inStep],
    attributes: { axis: 0 },
  }));
  const next = carried.map(({ port }) => outputNamed(graph, `next.${port.name}`));
  const outputs = graph.outputs.filter((output) => !next.includes(output));
  // In the order of recording: inside a loop ONNX Runtime takes no other (compare passes/run-order.ts).
  return removeDeadCode({
    nodes: [...rows, ...graph.nodes],
    inputs: [iteration, condition, ...carried.map(({ inStep }) => inStep)],
    outputs: [{ name: 'loop.goesOn', value: condition }, ...next, ...outputs],
  });
}

function lift(graph: Graph, inStep: Port, port: Port): Lifted {
  return { inStep: inputNamed(graph, inStep), port, value: valueOf(port) };
}

function valuesOf(lifted: readonly Lifted[]): Value[] {
  return lifted.map(({ value }) => value);
}

function inputNamed(graph: Graph, { graphName }: Port): Value {
  return at([graph.inputs.find(({ name }) => name === graphName)], 0);
}

function outputNamed(graph: Graph, graphName: string): GraphOutput {
  return at([graph.outputs.find(({ name }) => name === graphName)], 0);
}

interface ValueSpec {
  readonly graphName: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

/** Values outside the step's graph are told apart by name only. */
function valueOf({ graphName, shape, dtype }: ValueSpec): Value {
  return { id: -1, name: graphName, shape, type: dtype };
}

function scalar(name: string, type: ElementType, value: number): Value {
  return { id: -1, name, shape: [], type, data: [value] };
}
