import * as ort from './onnx-runtime.js';
import { encodeModel, GraphBuilder } from '@tributary/onnx-graph';
import type { Port, Recording } from '@tributary/tensor';
import { checkLength, type Feeds, type Fetches, type ProgramMemory } from './host-memory.js';
import { createSession, type SessionSettings } from './onnx-session.js';

const OUTPUT = 'copy';

/**
 * A GPU's memory (webgpu), where state stays: a run's results are the next run's inputs, and nothing crosses to the processor until
 * it is read. ONNX Runtime's Node binding has no copy in either direction, so a graph that does nothing carries it over.
 */
export class DeviceMemory implements ProgramMemory {
  readonly #onDevice = new Map<string, ort.Tensor>();
  /** Written and not yet carried over. */
  readonly #written = new Map<string, Float32Array>();
  readonly #copiers = new Map<string, Promise<ort.InferenceSession>>();

  constructor(
    private readonly recording: Recording,
    private readonly settings: SessionSettings,
  ) {
    for (const port of recording.state) {
      this.#written.set(port.name, new Float32Array(port.shape.reduce((size, length) => size * length, 1)));
    }
  }

  async feeds(): Promise<Feeds> {
    const feeds: Feeds = {};
    for (const port of this.recording.state) feeds[port.graphName] = await this.#ready(port);
    return feeds;
  }

  async #ready(port: Port): Promise<ort.Tensor> {
    const values = this.#written.get(port.name);
    const tensor = values ? new ort.Tensor('float32', values, port.shape) : this.#onDevice.get(port.name);
    if (!tensor) throw new RangeError(`state ${port.name} is nowhere`);
    if (!values) return tensor;
    const moved = await this.#copy(port, { tensor, toDevice: true });
    this.#replace(port.name, moved);
    return moved;
  }

  #replace(name: string, tensor: ort.Tensor): void {
    this.#onDevice.get(name)?.dispose();
    this.#onDevice.set(name, tensor);
    this.#written.delete(name);
  }

  async #copy(port: Port, { tensor, toDevice }: { tensor: ort.Tensor; toDevice: boolean }): Promise<ort.Tensor> {
    const key = `${port.name} ${toDevice ? 'up' : 'down'}`;
    const copier = this.#copiers.get(key) ?? this.#openCopier(port, toDevice);
    this.#copiers.set(key, copier);
    const { [OUTPUT]: copy } = await (await copier).run({ [port.graphName]: tensor });
    if (!copy) throw new RangeError(`state ${port.name} could not be copied`);
    return copy;
  }

  #openCopier({ graphName, shape, dtype }: Port, toDevice: boolean): Promise<ort.InferenceSession> {
    const g = new GraphBuilder({ device: 'gpu' });
    const value = g.input(graphName, shape, dtype);
    const model = encodeModel(g.build([{ name: OUTPUT, value }]));
    return createSession(model, { ...this.settings, onDevice: toDevice ? [OUTPUT] : [] });
  }

  fetches(): Fetches {
    const { outputs, nextState } = this.recording;
    return Object.fromEntries([...outputs, ...nextState].map(({ graphName }) => [graphName, null]));
  }

  accept(results: Readonly<Record<string, ort.Tensor>>): void {
    for (const { name, graphName } of this.recording.nextState) {
      const tensor = results[graphName];
      if (tensor) this.#replace(name, tensor);
    }
  }

  async read(name: string): Promise<Float32Array> {
    const port = this.#port(name);
    const written = this.#written.get(name);
    if (written) return written.slice();
    const { data } = await this.#copy(port, { tensor: await this.#ready(port), toDevice: false });
    if (data instanceof Float32Array) return data;
    throw new TypeError(`state ${name} is not float32`);
  }

  write(name: string, values: Float32Array): void {
    checkLength(this.#port(name), values);
    this.#written.set(name, values.slice());
  }

  #port(name: string): Port {
    const port = this.recording.state.find((candidate) => candidate.name === name);
    if (port?.dtype === 'float32') return port;
    throw new RangeError(`the program has no float32 state named ${name}`);
  }

  /** Tensors go before the sessions that made them: the other way round ends the process. */
  async dispose(): Promise<void> {
    for (const tensor of this.#onDevice.values()) tensor.dispose();
    this.#onDevice.clear();
    for (const copier of this.#copiers.values()) await (await copier).release();
  }
}
