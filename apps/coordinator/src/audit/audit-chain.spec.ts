import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EMPTY_CHAIN, GENESIS_HASH, auditHash, chainEntry, checkEntry, type AuditEntry } from './audit-chain.js';

const AT = new Date('2026-03-01T12:00:00Z');

function buildChain(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  let end = { seq: 0, hash: GENESIS_HASH };
  for (let index = 0; index < length; index++) {
    const entry = chainEntry(
      end,
      { actor: 'admin', action: 'site.approved', subject: `site-${index}`, detail: { index } },
      AT,
    );
    entries.push(entry);
    end = entry;
  }
  return entries;
}

describe('the audit chain', () => {
  it('hashes the canonical JSON of an entry', () => {
    // printf '%s' '{"action":"a","actor":"b","at":"2026-03-01T12:00:00.000Z","detail":{"x":1},"previousHash":"00","seq":1,"subject":"s"}' | sha256sum
    const entry = {
      seq: 1,
      at: AT.toISOString(),
      actor: 'b',
      action: 'a',
      subject: 's',
      detail: { x: 1 },
      previousHash: '00',
    };
    expect(auditHash(entry)).toBe('14862fbeb7b0d44bbb1bb71d48e0f83a474133d4e0369a5a5dbe7b1e0f29d6a7');
  });

  it('verifies what was appended', () => {
    expect(buildChain(5).reduce(checkEntry, EMPTY_CHAIN)).toMatchObject({ entries: 5, firstBroken: null });
  });

  it('names the first entry that was changed, in whatever field', () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.constantFrom('actor', 'action', 'subject', 'at', 'hash', 'previousHash'),
        (index, field) => {
          const chain = buildChain(6).map((entry, at) => (at === index ? { ...entry, [field]: 'forged' } : entry));
          expect(chain.reduce(checkEntry, EMPTY_CHAIN).firstBroken).toBe(index + 1);
        },
      ),
    );
  });

  it('names the place where an entry was removed', () => {
    const chain = buildChain(6).filter(({ seq }) => seq !== 3);
    expect(chain.reduce(checkEntry, EMPTY_CHAIN).firstBroken).toBe(3);
  });

  it('notices two entries that changed places', () => {
    const [first, second, ...rest] = buildChain(4);
    const swapped = [second, first, ...rest].flatMap((entry) => (entry === undefined ? [] : [entry]));
    expect(swapped.reduce(checkEntry, EMPTY_CHAIN).firstBroken).toBe(1);
  });
});
