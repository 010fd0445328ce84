import { parseArgs } from 'node:util';
import { engineSettingsSchema, TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import type { OutputFormat } from './output.js';

const VERBS = ['enroll', 'preflight', 'start', 'status', 'approve', 'ledger'] as const;
export type Verb = (typeof VERBS)[number];

const OPTIONS = {
  'data-dir': { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
  images: { type: 'string' },
  engine: { type: 'string' },
  device: { type: 'string' },
  threads: { type: 'string' },
  precision: { type: 'string' },
  'memory-limit-mib': { type: 'string' },
  format: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Every path of the coordinator begins at its address, so one that has a path of its own is another page's. */
const coordinatorAddress = z
  .url({ protocol: /^https?$/, error: 'an http or https address' })
  .refine((url) => /^[^:]+:\/\/[^/?#@]+\/?$/.test(url), 'an address without a path, as https://coordinator.example');

const valuesSchema = z.object({
  'data-dir': z.string('a folder for the key, the policy and the state of this site').min(1),
  url: coordinatorAddress.optional(),
  token: z.string().min(1).optional(),
  images: z.string().min(1).optional(),
  engine: engineSettingsSchema.shape.name.optional(),
  device: engineSettingsSchema.shape.device,
  threads: z.coerce.number('a whole number').int('a whole number').min(1).max(1024).optional(),
  precision: engineSettingsSchema.shape.precision,
  'memory-limit-mib': z.coerce.number('a whole number').int('a whole number').min(1).optional(),
  format: z.enum(['text', 'json', 'ndjson']).default('text'),
  help: z.boolean().default(false),
});

export type Flags = z.infer<typeof valuesSchema>;
export interface CommandLine {
  readonly verb: Verb;
  readonly flags: Flags;
  /** Arguments after the verb that are no flags. */
  readonly rest: readonly string[];
}

/** @throws TributaryError USAGE_INVALID naming the argument and what was expected. */
export function parseCommandLine(words: readonly string[]): CommandLine | 'help' {
  const { values, positionals } = readWords(words);
  const [verb, ...rest] = positionals;
  if (values.help === true || (verb === undefined && words.length === 0)) return 'help';
  const known = VERBS.find((name) => name === verb);
  if (known === undefined) throw usage(`${verb ?? 'no command'}; expected one of ${VERBS.join(', ')}`);
  const flags = valuesSchema.safeParse(values);
  if (!flags.success) {
    const { path, message } = flags.error.issues[0] ?? { path: [], message: '' };
    throw usage(`--${String(path[0])}: ${message}`);
  }
  const expected = known === 'approve' ? 1 : 0;
  if (rest.length !== expected) throw usage(`${known} takes ${expected} argument${expected === 1 ? ': HASH' : 's'}`);
  return { verb: known, flags: flags.data, rest };
}

/** The format even of words that cannot be parsed, so that a script gets its error as JSON. */
export function formatOf(words: readonly string[]): OutputFormat {
  const text = words.join(' ');
  return /--format[ =](json|ndjson)\b/.exec(text)?.[1] === undefined ? 'text' : 'json';
}

function readWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage(typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : 'unknown');
  }
}

function usage(detail: string): TributaryError {
  return new TributaryError('USAGE_INVALID', { detail });
}

export const HELP = `The hospital's side of Tributary. Usage: tributary agent VERB --data-dir DIR [--format text|json]

  enroll     Makes the site's key here, proves that the site has it, prints the fingerprint for the admin.
             Later the other flags alone change settings.
             --url URL --token TOKEN [--images DIR] [--engine auto|onnx|tensorflow|reference]
             [--device cpu|webgpu|cuda] [--threads N] [--memory-limit-mib N]
             [--precision float32|float16]
  preflight  Checks reachability, TLS, clock, approval, disk, key, engine, data folder and policy; says what to fix.
  start      Takes part in runs until it is stopped; connects outwards only.
  status     What this site is and what it is doing.
  approve    Approves a recipe: approve HASH (the SHA-256 or its first 8 digits or more).
  ledger     What was trained and sent so far.

Example: tributary agent enroll --url https://coordinator.example --token TOKEN --data-dir ./site --images /data/mri`;
