import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol/errors';
import { checkClasses, Labels, parseLabelRows, sliceKey } from './labels.js';

function errorOf(action: () => unknown): TributaryError {
  try {
    action();
  } catch (error) {
    if (error instanceof TributaryError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseLabelRows', () => {
  it('reads columns in any order, with quotes, a byte order mark, Windows line ends and columns of others', () => {
    const text = '\uFEFFclass,Patient,note,slice\r\n"a, b",p1,x,1\r\n\r\nc,p2,,07\r\n';
    expect(parseLabelRows(text)).toEqual([
      { row: 2, patient: 'p1', slice: '1', className: 'a, b' },
      { row: 4, patient: 'p2', slice: '07', className: 'c' },
    ]);
  });

  it.each([
    ['', 'row 1, column patient'],
    ['patient,slice\np1,1\n', 'row 1, column class'],
    ['patient,slice,class\nSECRET,1,a\nSECRET,,a\n', 'row 3, column slice'],
    ['patient,slice,class\nSECRET,1\n', 'row 2, column class'],
    ['patient,slice,class\np,1,a\np,2,"SECRET\n', 'row'],
  ])('names row and column of what is wrong in %j, and no value', (text, place) => {
    const error = errorOf(() => parseLabelRows(text));
    expect(error.code).toBe('DATA_LABELS_INVALID');
    expect(error.message).toContain(place);
    expect(JSON.stringify([error.message, error.context, error.cause])).not.toContain('SECRET');
  });
});

describe('Labels', () => {
  const row = (patient: string, slice: string, className: string, line = 2) => ({
    row: line,
    patient,
    slice,
    className,
  });

  it('finds a slice however its number is written, and falls back to the row for every slice', () => {
    const labels = new Labels([row('p', '7', 'a'), row('p', '3.2', 'b'), row('q', '*', 'c'), row('q', '5', 'd')]);
    expect(['007', '3.02', '8'].map((slice) => labels.classOf('p', slice))).toEqual(['a', 'b', undefined]);
    expect(['1', '5'].map((slice) => labels.classOf('q', slice))).toEqual(['c', 'd']);
  });

  it('counts rows whose image was not seen, but not those for every slice', () => {
    const labels = new Labels([row('p', '1', 'a'), row('p', '2', 'a'), row('q', '*', 'a')]);
    expect(labels.countUnseen((_, slice) => slice === '1')).toBe(1);
  });

  it('takes a repeated row, and refuses one that contradicts', () => {
    expect(() => new Labels([row('p', '1', 'a'), row('p', '01', 'a', 3)])).not.toThrow();
    const error = errorOf(() => new Labels([row('p', '1', 'a'), row('p', '01', 'b', 3)]));
    expect(error).toMatchObject({ code: 'DATA_LABELS_INVALID' });
    expect(error.message).toContain('row 3, column class');
  });

  it('refuses a class that the study does not have, by row', () => {
    const error = errorOf(() => checkClasses([row('p', '1', 'a'), row('p', '2', 'SECRET', 3)], ['a', 'b']));
    expect(error.code).toBe('DATA_UNKNOWN_CLASS');
    expect(error.message).toContain('row 3, column class: expected one of a, b');
    expect(error.message).not.toContain('SECRET');
  });

  it('leaves names of slices that are no numbers as they are', () => {
    expect(['scan-01', '1.2.3', '010'].map(sliceKey)).toEqual(['scan-01', '1.2.3', '10']);
  });
});
