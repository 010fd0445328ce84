import { z } from 'zod';

const name = () =>
  z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, '2 to 40 lower-case letters, digits or dashes, a letter first');

/** A site's name and id: chosen by the admin with the invitation; updates are summed in the order of these ids. */
export const siteIdSchema = name();
export const studyIdSchema = name();
export const runIdSchema = z.string().regex(/^run-[a-z0-9]{8,32}$/, 'an id such as run-4f3a9c1d');
export const assignmentIdSchema = z
  .string()
  .regex(/^run-[a-z0-9-]{10,120}$/, 'an id such as run-4f3a9c1d-r3-a0-site-a');
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');
export const fingerprintSchema = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint such as SHA256:mVPw…');

/** The id of one site's part in one attempt at one round; the same parts give the same id, so a repeated offer is the same offer. */
export function assignmentId(part: { runId: string; round: number; attempt: number; siteId: string }): string {
  return `${part.runId}-r${part.round}-a${part.attempt}-${part.siteId}`;
}

/** The run that an assignment's id belongs to. */
export function runIdOfAssignment(id: string): string {
  return id.slice(0, id.indexOf('-r', 'run-'.length));
}
