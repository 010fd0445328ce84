import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emptyBuffer, receiveUpdate, type BufferedUpdate, type UpdateBuffer } from './update-buffer.js';

const update = (updateId: string, baseVersion: number): BufferedUpdate => ({
  updateId,
  siteId: `site-${updateId}`,
  baseVersion,
});

describe('receiveUpdate', () => {
  it('closes the buffer with the K-th update and says how stale each one is', () => {
    const rules = { capacity: 2 };
    const first = receiveUpdate(emptyBuffer(5), update('b', 5), rules);
    expect(first).toEqual({ kind: 'buffered', buffer: { version: 5, waiting: [update('b', 5)] } });
    const second = receiveUpdate(first.buffer, update('a', 3), rules);
    expect(second).toEqual({
      kind: 'buffered',
      buffer: { version: 6, waiting: [] },
      aggregate: [
        { ...update('a', 3), staleness: 2 },
        { ...update('b', 5), staleness: 0 },
      ],
    });
  });

  it('counts a repeated delivery once', () => {
    const { buffer } = receiveUpdate(emptyBuffer(), update('a', 0), { capacity: 3 });
    expect(receiveUpdate(buffer, update('a', 0), { capacity: 3 })).toEqual({ kind: 'duplicate', buffer });
  });

  it('refuses updates that are too far behind, and those from the future', () => {
    const rules = { capacity: 3, maxStaleness: 4 };
    expect(receiveUpdate(emptyBuffer(9), update('a', 5), rules).kind).toBe('buffered');
    expect(receiveUpdate(emptyBuffer(9), update('a', 4), rules).kind).toBe('too-stale');
    expect(() => receiveUpdate(emptyBuffer(9), update('a', 10), rules)).toThrow(RangeError);
  });

  it('aggregates every update exactly once, in any order and with repeats', () => {
    const deliveries = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 100 });
    fc.assert(
      fc.property(deliveries, fc.integer({ min: 1, max: 7 }), (ids, capacity) => {
        let buffer: UpdateBuffer = emptyBuffer();
        const recorded = new Set<number>();
        const aggregated: string[] = [];
        for (const id of ids) {
          if (recorded.has(id)) continue;
          recorded.add(id);
          const outcome = receiveUpdate(buffer, update(`u${id}`, 0), { capacity });
          buffer = outcome.buffer;
          if (outcome.kind === 'buffered')
            aggregated.push(...(outcome.aggregate ?? []).map(({ updateId }) => updateId));
        }
        const everywhere = [...aggregated, ...buffer.waiting.map(({ updateId }) => updateId)];
        expect(new Set(everywhere).size).toBe(everywhere.length);
        expect(everywhere).toHaveLength(recorded.size);
        expect(buffer.version).toBe(Math.floor(recorded.size / capacity));
      }),
    );
  });
});
