import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { TributaryError } from './errors.js';
import { fromProblem, parseOrThrow, problemSchema, toProblem } from './problem.js';

describe('problems', () => {
  it('carry code, remedy and fields there and back', () => {
    const sent = new TributaryError('RECIPE_INVALID', {
      detail: 'rounds.count: too small',
      fields: [{ path: 'rounds.count', expected: '>= 1' }],
      hint: 3,
    });
    const received = fromProblem(problemSchema.parse(JSON.parse(JSON.stringify(toProblem(sent, 'c-1')))));
    expect(received.code).toBe('RECIPE_INVALID');
    expect(received.message).toBe(sent.message);
    expect(received.context.fields).toEqual([{ path: 'rounds.count', expected: '>= 1' }]);
    expect(received.context.hint).toBe(3);
  });

  it('hide everything about an error that is not of the catalogue', () => {
    const problem = toProblem(new Error('/data/patients/Doe^John/1.dcm is broken'));
    expect(problem.code).toBe('INTERNAL');
    expect(JSON.stringify(problem)).not.toContain('Doe');
  });

  it('name every wrong field with what was expected there', () => {
    const schema = z.strictObject({ rounds: z.strictObject({ count: z.int().min(1) }), name: z.string() });
    const parse = () => parseOrThrow(schema, { rounds: { count: 0 }, name: 4, extra: true }, 'RECIPE_INVALID');
    expect(parse).toThrow(TributaryError);
    try {
      parse();
    } catch (error) {
      const paths = error instanceof TributaryError ? error.context.fields?.map((field) => field.path) : [];
      expect(paths).toEqual(expect.arrayContaining(['rounds.count', 'name', '(root)']));
    }
  });

  it('name a field that is nested too deep to be read', () => {
    const schema = z.object({ notes: z.unknown() });
    const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
    const parse = (levels: number): unknown => parseOrThrow(schema, { notes: nested(levels) }, 'REQUEST_INVALID');
    expect(parse(60)).toEqual({ notes: nested(60) });
    for (const levels of [100, 100_000]) {
      expect(() => parse(levels)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining('levels of nesting') }),
      );
    }
  });

  it.each(['a\0b', '\ud800', '\udc00x'])('name a field whose text no database keeps: %j', (text) => {
    const schema = z.object({ names: z.array(z.string()), notes: z.record(z.string(), z.unknown()) });
    const fieldsOf = (value: unknown): unknown => {
      try {
        return parseOrThrow(schema, value, 'REQUEST_INVALID');
      } catch (error) {
        return error instanceof TributaryError && error.context.fields?.map(({ path }) => path);
      }
    };
    expect(fieldsOf({ names: ['good', text], notes: { deep: [{ a: text }] } })).toEqual(['names.1', 'notes.deep.0.a']);
    expect(fieldsOf({ names: [], notes: { [text]: 1 } })).toEqual(['notes']);
    const good = { names: ['Zürich 東京 🧠'], notes: {} };
    expect(fieldsOf(good)).toEqual(good);
  });
});
