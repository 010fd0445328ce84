import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEngine } from '../engines/open-engine.js';
import type { Engine } from '../program.js';
import { outputShape, relativeDifference, runOn } from './agreement.spec-support.js';
import { AGREEMENT_CASES } from './cases.spec-support.js';

/** float32: sums of up to some thousand products in another order. */
const TOLERANCE = 2e-5;

describe('the recorded graph and tfjs', () => {
  let onnx: Engine;
  let reference: Engine;

  beforeAll(async () => {
    onnx = await openEngine({ name: 'onnx', threads: 1 });
    reference = await openEngine({ name: 'reference' });
  });

  afterAll(async () => {
    await onnx.dispose();
    await reference.dispose();
  });

  it.each(AGREEMENT_CASES.map((test) => [test.name, test] as const))('agree on %s', async (_, test) => {
    const program = await reference.compile(() => ({ outputs: {} }), { inputs: {} });
    await program.run({});
    const shape = outputShape(test);
    const expected = await runOn(reference, test, shape);
    const actual = await runOn(onnx, test, shape);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, values] of Object.entries(expected)) {
      expect({ name, isClose: relativeDifference(actual[name] ?? [], values) < TOLERANCE }).toEqual({
        name,
        isClose: true,
      });
    }
  });
});
