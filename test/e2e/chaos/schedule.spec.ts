import { describe, expect, it } from '@jest/globals';
import { faults, type Fault } from './schedule.js';

function first(seed: number, count: number): Fault[] {
  const schedule = faults(seed);
  return Array.from({ length: count }, () => schedule.next().value);
}

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(first(5, 50)).toEqual(first(5, 50));
    expect(first(5, 50)).not.toEqual(first(6, 50));
  });

  it('kills every kind of process, breaks links in every way and fills disks', () => {
    const kinds = first(1, 400).map((fault) => (fault.kind === 'kill' ? fault.victim : fault.kind));
    const processes = ['agent', 'coordinator', 'database', 'machine', 'trainer'];
    const links = ['address', 'cable', 'cut', 'drop', 'reset', 'silent', 'slow'];
    expect([...new Set(kinds)].sort()).toEqual([...processes, ...links, 'full-disk'].sort());
  });
});
