import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { GraphBuilder } from '../graph/graph-builder.js';
import { encodeModel } from './encode-model.js';
import { ProtobufWriter } from './protobuf-writer.js';

describe('ProtobufWriter', () => {
  // Examples of protobuf.dev, "Encoding".
  it('writes 150 in field 1 as 08 96 01', () => {
    expect(new ProtobufWriter().integer(1, 150).finish().toString('hex')).toBe('089601');
  });

  it('writes "testing" in field 2 as 12 07 74 65 73 74 69 6e 67', () => {
    expect(new ProtobufWriter().string(2, 'testing').finish().toString('hex')).toBe('120774657374696e67');
  });

  it('writes 3, 270, 86942 packed in field 6 as 32 06 03 8e 02 9e a7 05', () => {
    expect(new ProtobufWriter().integers(6, [3, 270, 86942]).finish().toString('hex')).toBe('3206038e029ea705');
  });

  it('writes -2 as ten bytes', () => {
    expect(new ProtobufWriter().integer(1, -2).finish().toString('hex')).toBe('08feffffffffffffffff01');
  });
});

describe('encodeModel', () => {
  it('gives a model that ONNX Runtime loads and runs: attributes, constants, shared and repeated outputs', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 2], 'float32');
    g.input('unread', [1], 'int32');
    const scaled = g.apply('Mul', [x, g.constant([1, 2, 3, 4], [2, 2], 'float32')], { shape: [2, 2] });
    const elu = g.apply('Elu', [scaled], { shape: [2, 2], attributes: { alpha: { float: 0.5 } } });
    const turned = g.apply('Transpose', [elu], { shape: [2, 2], attributes: { perm: [1, 0] } });
    const outputs = [
      { name: 'turned', value: turned },
      { name: 'again', value: turned },
      { name: 'input', value: x },
      { name: 'constant', value: g.constant([7], [1], 'int32') },
    ];
    const session = await ort.InferenceSession.create(encodeModel(g.build(outputs)));
    expect(session.inputNames).toEqual(['x']);
    const results = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 1, -1, 1), [2, 2]) });
    const minus = 0.5 * (Math.exp(-3) - 1);
    for (const name of ['turned', 'again']) {
      const values = Array.from(results[name]?.data as Float32Array);
      [1, minus, 2, 4].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 6));
    }
    expect(Array.from(results['input']?.data as Float32Array)).toEqual([1, 1, -1, 1]);
    expect(Array.from(results['constant']?.data as Int32Array)).toEqual([7]);
    await session.release();
  });
});
