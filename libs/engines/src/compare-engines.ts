import type { Arrays, Engine, Program, Signature, StepFunction } from '@tributary/tensor';
import { randomStream } from '@tributary/random';

export interface Comparison {
  readonly fn: StepFunction;
  readonly signature: Signature;
  /** The inputs of every step, in order; the number of steps is theirs. */
  readonly inputs: readonly Arrays[];
  /** State that both begin with; what is missing here begins as standard normal numbers of a fixed seed, times 0.1. */
  readonly state?: Record<string, Float32Array>;
  /** Largest difference that counts as equal, relative to the largest magnitude of the tensor; 1e-4 when left out. */
  readonly tolerance?: number;
}

/** The first tensor in which two engines differ. */
export interface Divergence {
  /** Counted from 0. */
  readonly step: number;
  readonly kind: 'output' | 'state';
  readonly name: string;
  /** Index of the worst element, in row-major order. */
  readonly index: number;
  readonly values: readonly [number, number];
  /** Relative to the largest magnitude of the tensor on the second engine. */
  readonly difference: number;
}

const TOLERANCE = 1e-4;
const STATE_SCALE = 0.1;

/**
 * Runs a step function on two engines, step by step, every step from the state of the second: an error is reported where
 * it arises and not where it has grown. For finding bugs: `onnx` against `reference`, `tensorflow` against itself run
 * eagerly.
 *
 * @returns the first divergence, or undefined when there is none.
 */
export async function compareEngines(
  engines: readonly [Engine, Engine],
  comparison: Comparison,
): Promise<Divergence | undefined> {
  const { fn, signature, inputs, tolerance = TOLERANCE } = comparison;
  const first = await engines[0].compile(fn, signature);
  const second = await engines[1].compile(fn, signature);
  const names = Object.keys(signature.state ?? {});
  for (const name of names) second.writeState(name, initialState(name, comparison));
  try {
    for (const [step, given] of inputs.entries()) {
      for (const name of names) first.writeState(name, await second.readState(name));
      const outputs = worst('output', [await first.run(given), await second.run(given)]);
      const state = worst('state', [await stateOf(first, names), await stateOf(second, names)]);
      const found = [...outputs, ...state].find(({ difference }) => !(difference <= tolerance));
      if (found) return { step, ...found };
    }
    return undefined;
  } finally {
    await first.dispose();
    await second.dispose();
  }
}

function initialState(name: string, { signature, state }: Comparison): Float32Array {
  const size = (signature.state?.[name]?.shape ?? []).reduce((all, length) => all * length, 1);
  const random = randomStream(0, 'compare-engines', name);
  return state?.[name] ?? Float32Array.from({ length: size }, () => STATE_SCALE * random.normal());
}

async function stateOf(program: Program, names: readonly string[]): Promise<Arrays> {
  const state: Arrays = {};
  for (const name of names) state[name] = await program.readState(name);
  return state;
}

/** The worst element of every tensor; a tensor that one engine lacks differs at once. */
function worst(kind: Divergence['kind'], [a, b]: readonly [Arrays, Arrays]): Omit<Divergence, 'step'>[] {
  return Object.entries(b).map(([name, values]) => {
    const expected = Array.from(values);
    const actual = a[name] ?? [];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const worstOf = { index: 0, difference: 0 };
    expected.forEach((value, index) => {
      const difference = Math.abs((actual[index] ?? Number.NaN) - value) / largest;
      if (!(difference <= worstOf.difference)) Object.assign(worstOf, { index, difference });
    });
    const { index } = worstOf;
    return { kind, name, values: [actual[index] ?? Number.NaN, expected[index] ?? Number.NaN] as const, ...worstOf };
  });
}
