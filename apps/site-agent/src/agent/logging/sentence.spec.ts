import { describe, expect, it } from '@jest/globals';
import { sentenceOf } from './sentence.js';

const entry = { level: 30, time: '2026-11-23T18:27:54.276Z', siteId: 'north' };

describe('sentenceOf', () => {
  it('says when, of which round, what and why', () => {
    const facts = { runId: 'run-ab741339', round: 1, code: 'DISK_FULL', message: 'there is not enough disk space' };
    expect(sentenceOf(`${JSON.stringify({ ...entry, ...facts, msg: 'assignment failed' })}\n`)).toBe(
      '2026-11-23 18:27:54 UTC  run-ab741339, round 1: assignment failed (DISK_FULL: there is not enough disk space)',
    );
  });

  it('says what is of no run without one', () => {
    const line = JSON.stringify({ ...entry, connection: 'connected', msg: 'connected to the coordinator' });
    expect(sentenceOf(line)).toBe('2026-11-23 18:27:54 UTC  connected to the coordinator');
  });

  it.each(['{"level":30', 'a warning of a library', '{"msg":7}'])('leaves %j as it is', (line) => {
    expect(sentenceOf(`${line}\n`)).toBe(line);
  });
});
