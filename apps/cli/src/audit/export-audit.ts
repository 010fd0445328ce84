import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';
import type { Action, CommandContext } from '../command-context.js';
import { isSystemError } from '../system-error.js';
import { parseVerbOptions } from '../verb-options.js';

/** As the coordinator hashed it; everything in it is kept. */
const entrySchema = z.looseObject({ seq: z.int(), hash: z.string() });
type Entry = z.infer<typeof entrySchema>;

const optionsSchema = z.object({ out: z.string().min(1).optional() });

const PAGE = 1000;

/** `tributary audit export`: every entry of the chain, a JSON line each, oldest first; with `--out` into a new file. */
export const exportAudit: Action = async (context, { options }) => {
  const { out } = parseVerbOptions(optionsSchema, options);
  if (out === undefined) {
    for await (const entry of entriesOf(context)) context.host.stdout.write(`${JSON.stringify(entry)}\n`);
    return;
  }
  const file = resolve(context.host.cwd, out);
  const { entries, headHash } = await writeEntries(context, file);
  context.output.document(
    { file, entries, headHash },
    `${entries} entries in ${file}; the last has the hash ${headHash}`,
  );
};

async function* entriesOf(context: CommandContext): AsyncGenerator<Entry> {
  const client = await context.api();
  for (let after = 0; ;) {
    const page = await client.get(`/v1/audit?after=${after}&limit=${PAGE}`, z.array(entrySchema));
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.seq;
  }
}

async function writeEntries(context: CommandContext, file: string): Promise<{ entries: number; headHash: string }> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'wx').catch((error: unknown) => {
    if (isSystemError(error, 'EEXIST')) throw new TributaryError('ALREADY_EXISTS', { detail: file });
    throw error;
  });
  let entries = 0;
  let headHash = '';
  try {
    for await (const entry of entriesOf(context)) {
      await handle.write(`${JSON.stringify(entry)}\n`);
      entries += 1;
      headHash = entry.hash;
    }
    await handle.sync();
  } catch (error) {
    // A part of the chain looks like all of it, and would be in the way of the next call.
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return { entries, headHash };
}
