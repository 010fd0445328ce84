import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest gives every test file its own globals, but native addons make their typed arrays with Node's. With one set of
 * array types, `instanceof` holds between a test and ONNX Runtime.
 */
export default class SharedArraysEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, {
      Float32Array,
      Float64Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Uint16Array,
      Uint32Array,
      BigInt64Array,
      BigUint64Array,
    });
  }
}
