import { z } from 'zod';

export const runStateSchema = z.enum([
  'draft',
  'approving',
  'running',
  'paused',
  'evaluating',
  'completed',
  'failed',
  'cancelled',
]);
export type RunState = z.infer<typeof runStateSchema>;

export const pauseCauseSchema = z.enum(['admin', 'attempts', 'storage']);
export type PauseCause = z.infer<typeof pauseCauseSchema>;

export const roundStateSchema = z.enum(['offered', 'collecting', 'aggregating', 'published', 'abandoned']);
export type RoundState = z.infer<typeof roundStateSchema>;
/** Of a round that still goes on; its transitions in the coordinator say the same. */
export const LIVE_ROUND_STATES = roundStateSchema.extract(['offered', 'collecting', 'aggregating']).options;

export const assignmentStateSchema = z.enum([
  'offered',
  'accepted',
  'training',
  'uploading',
  'received',
  'declined',
  'expired',
  'failed',
  'superseded',
]);
export type AssignmentState = z.infer<typeof assignmentStateSchema>;
/** Of an assignment whose site may still answer; its transitions in the coordinator say the same. */
export const OPEN_ASSIGNMENT_STATES = assignmentStateSchema.extract([
  'offered',
  'accepted',
  'training',
  'uploading',
]).options;

export const siteStateSchema = z.enum(['pending', 'approved', 'revoked']);
export type SiteState = z.infer<typeof siteStateSchema>;
