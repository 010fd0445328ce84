import { describe, expect, it } from '@jest/globals';
import { modelReferenceOf } from './model-reference.js';

describe('modelReferenceOf', () => {
  it('tells a run from a version', () => {
    expect(modelReferenceOf('run-4f3a9c1d')).toEqual({ runId: 'run-4f3a9c1d', round: null });
    expect(modelReferenceOf('run-4f3a9c1d/20')).toEqual({ runId: 'run-4f3a9c1d', round: 20 });
  });

  it.each(['model', 'run-4f3a9c1d/x', 'run-4f3a9c1d/1/2', ''])('refuses the reference %j', (text) => {
    expect(() => modelReferenceOf(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });
});
