import { assignmentOfferSchema, problemSchema } from '@tributary/protocol';
import { z } from 'zod';

/**
 * A site's own account of one assignment. `accepted` covers the whole work: what of it is done shows in the folder
 * (weights, checkpoint, report), so that no state can be ahead of the files.
 */
export const assignmentRecordSchema = z.object({
  offer: assignmentOfferSchema,
  state: z.enum(['accepted', 'declined', 'received', 'failed', 'closed']),
  /** Why it was declined or failed. */
  problem: problemSchema.optional(),
  updatedAt: z.iso.datetime(),
});
export type AssignmentRecord = z.infer<typeof assignmentRecordSchema>;

/** True when nothing is left to do at this site. */
export function isSettled(record: AssignmentRecord): boolean {
  return record.state !== 'accepted';
}
