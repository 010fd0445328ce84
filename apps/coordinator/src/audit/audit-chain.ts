import { createHash } from 'node:crypto';
import { canonicalJson } from '@tributary/protocol';

/** What one entry says; `actor` did `action` to `subject`. */
export interface AuditFact {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditEntry extends AuditFact {
  readonly seq: number;
  readonly at: string;
  readonly previousHash: string;
  readonly hash: string;
}

/** `previousHash` of the first entry. */
export const GENESIS_HASH = '0'.repeat(64);

/** SHA-256 (hex) over the canonical JSON of everything in the entry but its own hash. */
export function auditHash(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, at, actor, action, subject, detail, previousHash } = entry;
  return createHash('sha256')
    .update(canonicalJson({ seq, at, actor, action, subject, detail, previousHash }))
    .digest('hex');
}

/** The entry that follows `previous`. */
export function chainEntry(previous: { seq: number; hash: string }, fact: AuditFact, at: Date): AuditEntry {
  const entry = { ...fact, seq: previous.seq + 1, at: at.toISOString(), previousHash: previous.hash };
  return { ...entry, hash: auditHash(entry) };
}

/** What a walk along the chain has found so far. */
export interface ChainCheck {
  readonly entries: number;
  readonly lastHash: string;
  /** Number of the first entry that does not fit: changed, removed or put in; null while all fit. */
  readonly firstBroken: number | null;
}

export const EMPTY_CHAIN: ChainCheck = { entries: 0, lastHash: GENESIS_HASH, firstBroken: null };

/** One step of the walk; entries come in ascending order of `seq`. */
export function checkEntry(check: ChainCheck, entry: AuditEntry): ChainCheck {
  if (check.firstBroken !== null) return check;
  const expectedSeq = check.entries + 1;
  const fits = entry.seq === expectedSeq && entry.previousHash === check.lastHash && entry.hash === auditHash(entry);
  if (!fits) return { ...check, firstBroken: Math.min(entry.seq, expectedSeq) };
  return { entries: entry.seq, lastHash: entry.hash, firstBroken: null };
}
