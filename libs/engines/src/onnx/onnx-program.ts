import * as ort from './onnx-runtime.js';
import type { Arrays, Program, Recording } from '@tributary/tensor';
import { checkInputs } from '../check-inputs.js';
import type { Feeds, ProgramMemory } from './host-memory.js';

function outputArrays({ outputs }: Recording, results: Readonly<Record<string, ort.Tensor>>): Arrays {
  const arrays: Arrays = {};
  for (const { name, graphName } of outputs) {
    const data = results[graphName]?.data;
    if (!(data instanceof Float32Array || data instanceof Int32Array)) {
      throw new TypeError(`the output ${name} is neither float32 nor int32`);
    }
    arrays[name] = data;
  }
  return arrays;
}

/** A recording run by ONNX Runtime. */
export class OnnxProgram implements Program {
  readonly #read: ReadonlySet<string>;
  #isRunning = false;

  constructor(
    private readonly session: ort.InferenceSession,
    private readonly recording: Recording,
    private readonly memory: ProgramMemory,
  ) {
    this.#read = new Set(session.inputNames);
  }

  async run(inputs: Arrays): Promise<Arrays> {
    if (this.#isRunning) throw new RangeError('a program runs one step at a time; await the previous run');
    checkInputs(this.recording.inputs, inputs);
    this.#isRunning = true;
    try {
      const feeds = this.#onlyRead({ ...this.#inputFeeds(inputs), ...(await this.memory.feeds()) });
      const results = await this.session.run(feeds, this.memory.fetches());
      this.memory.accept(results);
      return outputArrays(this.recording, results);
    } finally {
      this.#isRunning = false;
    }
  }

  #inputFeeds(inputs: Arrays): Feeds {
    const feeds: Feeds = {};
    for (const { name, graphName, shape } of this.recording.inputs) {
      const array = inputs[name];
      if (array instanceof Int32Array) feeds[graphName] = new ort.Tensor('int32', array, shape);
      else if (array) feeds[graphName] = new ort.Tensor('float32', array, shape);
    }
    return feeds;
  }

  /** What the graph does not read (a class label without classes) is dropped. */
  #onlyRead(feeds: Feeds): Feeds {
    return Object.fromEntries(Object.entries(feeds).filter(([name]) => this.#read.has(name)));
  }

  readState(name: string): Promise<Float32Array> {
    return this.memory.read(name);
  }

  writeState(name: string, values: Float32Array): void {
    this.memory.write(name, values);
  }

  async dispose(): Promise<void> {
    await this.memory.dispose();
    await this.session.release();
  }
}
