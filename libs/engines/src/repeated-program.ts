import type { Arrays, CompileOptions, Program, Signature } from '@tributary/tensor';
import { checkInputs } from './check-inputs.js';

/** @throws RangeError unless it is an integer >= 1. */
export function stepsPerCallOf({ stepsPerCall = 1 }: CompileOptions): number {
  if (Number.isSafeInteger(stepsPerCall) && stepsPerCall >= 1) return stepsPerCall;
  throw new RangeError(`stepsPerCall must be an integer of at least 1, got ${stepsPerCall}`);
}

/** The program itself where one run does one step, else a program whose runs do several. */
export function repeated(program: Program, signature: Signature, options: CompileOptions = {}): Program {
  const stepsPerCall = stepsPerCallOf(options);
  return stepsPerCall === 1 ? program : new RepeatedProgram(program, signature, stepsPerCall);
}

/** Does several steps a run, one after the other: for engines that have no loop. */
export class RepeatedProgram implements Program {
  constructor(
    private readonly program: Program,
    private readonly signature: Signature,
    private readonly stepsPerCall: number,
  ) {}

  async run(inputs: Arrays): Promise<Arrays> {
    const { stepsPerCall } = this;
    const specs = Object.entries(this.signature.inputs);
    checkInputs(
      specs.map(([name, { shape, dtype }]) => ({ name, shape: [stepsPerCall, ...shape], dtype })),
      inputs,
    );
    const stacked: Arrays = {};
    for (let step = 0; step < stepsPerCall; step++) {
      const outputs = await this.program.run(rowsAt(inputs, step, stepsPerCall));
      for (const [name, values] of Object.entries(outputs)) {
        const stack = (stacked[name] ??= emptyLike(values, stepsPerCall));
        stack.set(values, step * values.length);
      }
    }
    return stacked;
  }

  readState(name: string): Promise<Float32Array> {
    return this.program.readState(name);
  }

  writeState(name: string, values: Float32Array): void {
    this.program.writeState(name, values);
  }

  dispose(): Promise<void> {
    return this.program.dispose();
  }
}

function rowsAt(stacks: Arrays, step: number, steps: number): Arrays {
  const rowOf = (stack: Float32Array | Int32Array) => {
    const size = stack.length / steps;
    return stack.subarray(step * size, (step + 1) * size);
  };
  return Object.fromEntries(Object.entries(stacks).map(([name, stack]) => [name, rowOf(stack)]));
}

function emptyLike(values: Float32Array | Int32Array, rows: number): Float32Array | Int32Array {
  const size = rows * values.length;
  return values instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
}
