import { describe, expect, it } from '@jest/globals';
import { mergeScarceClasses } from './merged-classes.js';

describe('merged classes', () => {
  it('count a scarce class as the class whose name it continues', () => {
    const merged = mergeScarceClasses(
      ['base', 'base-lesion', 'vertex', 'vertex-lesion'],
      ['base-lesion', 'vertex-lesion'],
    );
    expect([0, 1, 2, 3].map(merged)).toEqual([0, 0, 2, 2]);
  });

  it('take the longest such name', () => {
    expect(mergeScarceClasses(['a', 'ab', 'abc'], ['abc'])(2)).toBe(1);
  });

  it('leave a scarce class alone that continues none', () => {
    expect(mergeScarceClasses(['benign', 'malignant'], ['malignant'])(1)).toBe(1);
  });
});
