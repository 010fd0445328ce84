import { jsonOrUndefined } from '@tributary/protocol';
import { z } from 'zod';

const entrySchema = z.object({
  time: z.iso.datetime(),
  msg: z.string(),
  runId: z.string().optional(),
  round: z.int().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

/** A line of the log as a person at a terminal reads it; one of another form as it is. */
export function sentenceOf(line: string): string {
  const entry = entrySchema.safeParse(jsonOrUndefined(line));
  if (!entry.success) return line.trimEnd();
  const { time, msg, runId, round, code, message } = entry.data;
  const work = [runId, round === undefined ? undefined : `round ${round}`].filter((part) => part !== undefined);
  const reason = [code, message].filter((part) => part !== undefined);
  return [
    `${time.slice(0, 19).replace('T', ' ')} UTC  ${work.length === 0 ? '' : `${work.join(', ')}: `}${msg}`,
    ...(reason.length === 0 ? [] : [` (${reason.join(': ')})`]),
  ].join('');
}
