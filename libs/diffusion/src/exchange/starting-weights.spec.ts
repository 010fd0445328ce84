import { describe, expect, it } from '@jest/globals';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import type { ReadableBytes } from '@tributary/safetensors';
import type { Parameter } from '../network/parameter.js';
import { matchStartingWeights } from './starting-weights.js';

const PARAMETERS: Parameter[] = [
  { name: 'class_embedding.weight', shape: [3, 2], initial: { kind: 'constant', value: 9 } },
  { name: 'mid_block.attentions.0.to_q.weight', shape: [2, 2], initial: { kind: 'constant', value: 9 } },
  { name: 'time_embedding.linear_1.bias', shape: [2], initial: { kind: 'constant', value: 9 } },
];

type Tensors = Record<string, { shape: number[]; values: number[] }>;

const QUERY = { shape: [2, 2], values: [1, 2, 3, 4] };
const BIAS = { shape: [2], values: [5, 6] };
const ROWS = { shape: [3, 2], values: [10, 11, 12, 13, 14, 15] };
const WHOLE: Tensors = {
  'class_embedding.weight': ROWS,
  'mid_block.attentions.0.to_q.weight': QUERY,
  'time_embedding.linear_1.bias': BIAS,
};

function file(tensors: Tensors): ReadableBytes {
  const entries = Object.keys(tensors).sort();
  const header = encodeSafetensorsHeader(
    entries.map((name) => ({ name, dtype: 'F32', shape: tensors[name]?.shape ?? [] })),
  );
  const data = Float32Array.from(entries.flatMap((name) => tensors[name]?.values ?? []));
  const bytes = Buffer.concat([header, Buffer.from(data.buffer)]);
  const read = (position: number, into: Uint8Array): Promise<number> =>
    Promise.resolve(bytes.copy(into, 0, position, position + into.length));
  return { sizeBytes: bytes.length, read };
}

async function valuesOf(tensors: Tensors, isWhole = false): Promise<number[][]> {
  const all: number[][] = [];
  const weights = await matchStartingWeights(PARAMETERS, file(tensors), { seed: 1, isWhole });
  for await (const values of weights.values()) all.push([...values]);
  return all;
}

describe('the weights of another model', () => {
  it('are taken by name, in the order of the network', async () => {
    expect(await valuesOf(WHOLE)).toEqual([ROWS.values, QUERY.values, BIAS.values]);
  });

  it.each([
    ['another number of classes', { ...WHOLE, 'class_embedding.weight': { shape: [1, 2], values: [1, 1] } }],
    ['no classes', { 'mid_block.attentions.0.to_q.weight': QUERY, 'time_embedding.linear_1.bias': BIAS }],
  ])('leave the class rows as they start with %s', async (_, tensors) => {
    expect(await valuesOf(tensors)).toEqual([[9, 9, 9, 9, 9, 9], QUERY.values, BIAS.values]);
    await expect(valuesOf(tensors, true)).rejects.toThrow(
      /class_embedding\.weight is (1 x 2 instead of 3 x 2|missing)/,
    );
  });

  it('may have the names and shapes of older releases of diffusers', async () => {
    const older = {
      'class_embedding.weight': ROWS,
      'mid_block.attentions.0.query.weight': { ...QUERY, shape: [2, 2, 1, 1] },
      'time_embedding.linear_1.bias': BIAS,
    };
    expect(await valuesOf(older)).toEqual([ROWS.values, QUERY.values, BIAS.values]);
  });

  it.each<[string, Tensors, string]>([
    [
      'one is missing',
      { 'class_embedding.weight': ROWS, 'time_embedding.linear_1.bias': BIAS },
      'to_q.weight is missing',
    ],
    [
      'one has another shape',
      { ...WHOLE, 'time_embedding.linear_1.bias': { shape: [3], values: [1, 2, 3] } },
      'time_embedding.linear_1.bias is 3 instead of 2',
    ],
    ['there is one too many', { ...WHOLE, 'up.bias': BIAS }, "up.bias is not of the recipe's network"],
  ])('are refused before any is read when %s', async (_, tensors, message) => {
    const refused = matchStartingWeights(PARAMETERS, file(tensors), { seed: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'START_MODEL_UNFIT' });
    await expect(refused).rejects.toThrow(message);
  });

  it('names a few of many faults and counts the others', async () => {
    const others = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, BIAS]));
    await expect(matchStartingWeights(PARAMETERS, file({ ...WHOLE, ...others }), { seed: 1 })).rejects.toThrow(
      'and 2 more',
    );
  });

  it.each([NaN, Infinity])('are refused with %s among them', async (value) => {
    const broken = { ...WHOLE, 'time_embedding.linear_1.bias': { shape: [2], values: [value, 1] } };
    await expect(valuesOf(broken)).rejects.toThrow('time_embedding.linear_1.bias holds a number that is not finite');
  });

  it('are refused with bytes too many or too few', async () => {
    for (const differenceBytes of [-1, 1]) {
      const whole = file(WHOLE);
      const cut = { ...whole, sizeBytes: whole.sizeBytes + differenceBytes };
      await expect(matchStartingWeights(PARAMETERS, cut, { seed: 1 })).rejects.toMatchObject({
        code: 'SAFETENSORS_INVALID',
      });
    }
  });
});
