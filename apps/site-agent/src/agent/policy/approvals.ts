import { sha256Schema, TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { readJson } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';

const approvalsSchema = z.array(z.object({ recipeSha256: sha256Schema, approvedAt: z.iso.datetime() }));
export type Approval = z.infer<typeof approvalsSchema>[number];

/** The recipes that a person at this site approved by their hash (`tributary agent approve HASH`). */
export async function loadApprovals(approvalsFile: string): Promise<readonly Approval[]> {
  return (await readJson(approvalsFile, approvalsSchema, 'CONFIG_INVALID')) ?? [];
}

/** Adds one; a second approval of the same hash changes nothing. */
export async function addApproval(approvalsFile: string, recipeSha256: string, now: Date): Promise<void> {
  const approvals = await loadApprovals(approvalsFile);
  if (approvals.some((approval) => approval.recipeSha256 === recipeSha256)) return;
  const entry: Approval = { recipeSha256, approvedAt: now.toISOString() };
  await writeFileAtomically(approvalsFile, `${JSON.stringify([...approvals, entry], undefined, 2)}\n`);
}

/**
 * The one known hash that starts with what was typed.
 *
 * @param typed At least 8 hex digits.
 * @throws TributaryError USAGE_INVALID when fewer were typed, NOT_FOUND when none or several start so.
 */
export function resolveHash(typed: string, known: readonly string[]): string {
  if (typed.length < 8) throw new TributaryError('USAGE_INVALID', { detail: 'HASH: its first 8 digits or more' });
  const matching = known.filter((hash) => hash.startsWith(typed));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  const detail =
    matching.length === 0 ? 'no recipe with this hash was proposed to this site' : 'several recipes start so';
  throw new TributaryError('NOT_FOUND', { detail });
}
