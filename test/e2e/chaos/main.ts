import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { uploadOverBadLink } from './bad-link.js';
import { killOnce, type OneVictim } from './one-kill.js';
import { toxiproxyProgram } from '../../support/toxiproxy.js';
import { runChaos } from './run-chaos.js';

const USAGE = `Usage: npm run chaos -- [--kills N] [--seed N] [--rounds N] [--minutes M] [--database postgres|embedded] [--keep]
       npm run chaos -- --link drop|half-open
       npm run chaos -- --one coordinator|agent

Kills processes, breaks links and fills disks of a real consortium by a seeded schedule while runs are going on, and compares the final
weights of each with an undisturbed run of the same seed. Exit code 1 when one differs or does not finish.

With --link it sends one update of 65 MB over a link of 4 Mbit/s that breaks every 20 s, and counts what the site sent.
With --one it kills one process in the middle of a round and tells by how much that round was delayed.

Example: npm run chaos -- --kills 200 --seed 1`;

/** 4 Mbit/s. */
const BAD_LINK = { bytesPerSecond: 500_000, faultEveryMs: 20_000, channels: [160, 320] } as const;
/** What an administrator, or systemd, takes to start a process again. */
const DOWN_MS = 5_000;
/** Share of an update that may pass a bad link twice. */
const MAX_RESENT = 0.02;

const optionsSchema = z.strictObject({
  kills: z.coerce.number().int().min(1).default(20),
  seed: z.coerce.number().int().min(0).default(1),
  rounds: z.coerce.number().int().min(1).default(20),
  minutes: z.coerce.number().positive().default(60),
  database: z.enum(['postgres', 'embedded']).default('postgres'),
  keep: z.boolean().default(false),
  link: z.enum(['drop', 'half-open']).optional(),
  one: z.enum(['coordinator', 'agent']).optional(),
});

type Options = z.infer<typeof optionsSchema>;

function readOptions(): Options | undefined {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: {
        kills: text,
        seed: text,
        rounds: text,
        minutes: text,
        database: text,
        link: text,
        one: text,
        keep: { type: 'boolean' },
      },
    });
    return optionsSchema.parse(values);
  } catch {
    return undefined;
  }
}

/** @returns True when nothing was wrong. */
async function sendOverBadLink(directory: string, fault: 'drop' | 'half-open'): Promise<boolean> {
  const program = toxiproxyProgram();
  if (program === null) return false;
  const sent = await uploadOverBadLink(program, { ...BAD_LINK, directory, fault });
  const { updateBytes, sentBytes, faults, seconds } = sent;
  const resent = sentBytes / updateBytes - 1;
  print(
    `${(updateBytes / 1e6).toFixed(1)} MB over 4 Mbit/s in ${seconds.toFixed(0)} s (without faults ${(updateBytes / BAD_LINK.bytesPerSecond).toFixed(0)} s), ${faults} times ${fault}: ${(100 * resent).toFixed(2)} % sent again`,
  );
  return resent <= MAX_RESENT;
}

/** @returns True when nothing was wrong. */
async function killOneProcess(directory: string, victim: OneVictim): Promise<boolean> {
  const result = await killOnce({ directory, victim, downMs: DOWN_MS });
  const { roundSeconds, killedRoundSeconds, restartSeconds, isEqual } = result;
  const delaySeconds = killedRoundSeconds - roundSeconds;
  print(
    `kill -9 of ${victim === 'agent' ? 'an agent' : 'the coordinator'} in a round, at work again after ${restartSeconds.toFixed(1)} s: the round took ${killedRoundSeconds.toFixed(1)} s instead of ${roundSeconds.toFixed(1)} s, ${delaySeconds.toFixed(1)} s more; final weights ${isEqual ? 'equal' : 'DIFFERENT'}`,
  );
  return isEqual;
}

/** @returns True when nothing was wrong. */
async function disturbRuns(directory: string, settings: Options): Promise<boolean> {
  const { database, ...rest } = settings;
  const result = await runChaos({
    ...rest,
    directory,
    recipes: ['fedavg', 'scaffold'],
    withPostgres: database === 'postgres',
    print,
  });
  const { kills, linkFaults, fullDisks, runs, equalRuns, failures, seconds } = result;
  const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const byVictim = Object.entries(kills).map(([victim, count]) => `${victim} ${count}`);
  print(
    `${total} kills (${byVictim.join(', ')}), ${linkFaults} link faults, ${fullDisks} full disks, ${runs} runs in ${seconds.toFixed(0)} s: ${equalRuns} of ${runs} completed with equal weights`,
  );
  for (const failure of failures) print(`FAILED: ${failure}`);
  return failures.length === 0;
}

function perform(settings: Options): Promise<boolean> {
  if (settings.link !== undefined) return sendOverBadLink(directory, settings.link);
  if (settings.one !== undefined) return killOneProcess(directory, settings.one);
  return disturbRuns(directory, settings);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const options = readOptions();
if (options === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'tributary-chaos-'));
const isGood = await perform(options);
if (options.keep || !isGood) print(`Logs: ${join(directory, 'logs')}`);
else rmSync(directory, { recursive: true, force: true });
process.exit(isGood ? 0 : 1);
