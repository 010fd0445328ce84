import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import { encodeMoments } from '../moments/moments-codec.js';
import { sampleEvaluation } from './sample-evaluation.spec-support.js';
import { decodeSiteEvaluation, encodeSiteEvaluation } from './site-evaluation-file.js';

const evaluation = sampleEvaluation({ site: 0, shift: 0 });
const bytes = encodeSiteEvaluation(evaluation);

function headerText(file: Uint8Array): string {
  return Buffer.from(file.subarray(8, 8 + Buffer.from(file).readUInt32LE(0))).toString();
}

/** The same file with a piece of its header's text replaced by one of the same length. */
function withHeader(from: string, to: string): Uint8Array {
  expect(to).toHaveLength(from.length);
  const text = headerText(bytes);
  expect(text).toContain(from);
  const changed = Buffer.from(bytes);
  changed.write(text.replace(from, to), 8);
  return changed;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TributaryError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('site evaluation file', () => {
  it('brings back what was written, bit for bit', () => {
    const read = decodeSiteEvaluation(bytes);
    expect(read.before).toEqual(evaluation.before);
    expect(read.after).toEqual(evaluation.after);
    expect(read.utility).toEqual(evaluation.utility);
    expect(encodeMoments(read.heldOut)).toEqual(encodeMoments(evaluation.heldOut));
    expect(encodeMoments(read.train)).toEqual(encodeMoments(evaluation.train));
    expect(encodeSiteEvaluation(read)).toEqual(bytes);
  });

  it('carries a site without utility and without synthetic images', () => {
    const empty = { features: new Float32Array(), labels: new Int32Array() };
    const sparse = { ...evaluation, utility: null, before: empty };
    const read = decodeSiteEvaluation(encodeSiteEvaluation(sparse));
    expect(read.utility).toBeNull();
    expect(read.before).toEqual(empty);
  });

  it.each([
    ['a file cut short', () => bytes.subarray(0, bytes.length - 4)],
    ['bytes after the end', () => Buffer.concat([bytes, Buffer.of(0)])],
    ['another format', () => withHeader('tributary-evaluation-1', 'tributary-evaluation-9')],
    ['a negative count', () => withHeader('\\"count\\":40', '\\"count\\":-4')],
    ['a missing tensor', () => withHeader('before.labels', 'before.labelz')],
    ['a tensor of another type', () => withHeader('"dtype":"I32"', '"dtype":"F32"')],
    ['no metadata', () => withHeader('"evaluation":', '"evaluatiom":')],
    [
      'a feature that is not finite',
      () =>
        encodeSiteEvaluation({
          ...evaluation,
          after: { ...evaluation.after, features: evaluation.after.features.map(() => NaN) },
        }),
    ],
    [
      'a negative label',
      () =>
        encodeSiteEvaluation({
          ...evaluation,
          after: { ...evaluation.after, labels: evaluation.after.labels.map(() => -1) },
        }),
    ],
    [
      'features of another dimension',
      () =>
        encodeSiteEvaluation({
          ...evaluation,
          after: { ...evaluation.after, features: evaluation.after.features.slice(0, evaluation.after.labels.length) },
        }),
    ],
  ])('refuses %s with a code', (_, file) => {
    expect(codeOf(() => decodeSiteEvaluation(file()))).toBe('SAFETENSORS_INVALID');
  });

  it('refuses any single changed byte of the header or reads the same structure, never crashes', () => {
    const headerBytes = 8 + Buffer.from(bytes).readUInt32LE(0);
    for (let at = 0; at < headerBytes; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x15;
      expect(['SAFETENSORS_INVALID', 'no error']).toContain(codeOf(() => decodeSiteEvaluation(changed)));
    }
  });
});
