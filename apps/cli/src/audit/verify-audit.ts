import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';
import type { CommandContext } from '../command-context.js';

const verificationSchema = z.object({
  ok: z.boolean(),
  entries: z.int(),
  firstBroken: z.int().nullable(),
});

/** Asks the coordinator to recompute its chain of audit entries. */
export async function verifyAudit(context: CommandContext): Promise<void> {
  const api = await context.api();
  const verification = await api.get('/v1/audit/verify', verificationSchema);
  if (!verification.ok) {
    throw new TributaryError('AUDIT_CHAIN_BROKEN', {
      detail: `first broken entry ${verification.firstBroken ?? 'unknown'}`,
    });
  }
  context.output.document(verification, `The audit chain is whole: ${verification.entries} entries.`);
}
