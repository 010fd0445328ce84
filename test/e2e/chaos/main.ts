import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runChaos } from './run-chaos.js';

const USAGE = `Usage: npm run chaos -- [--kills N] [--seed N] [--rounds N] [--minutes M] [--database postgres|embedded] [--keep]

Kills processes and breaks links of a real consortium by a seeded schedule while runs are going on, and compares the final
weights of each with an undisturbed run of the same seed. Exit code 1 when one differs or does not finish.

Example: npm run chaos -- --kills 200 --seed 1`;

const optionsSchema = z.strictObject({
  kills: z.coerce.number().int().min(1).default(20),
  seed: z.coerce.number().int().min(0).default(1),
  rounds: z.coerce.number().int().min(1).default(20),
  minutes: z.coerce.number().positive().default(60),
  database: z.enum(['postgres', 'embedded']).default('postgres'),
  keep: z.boolean().default(false),
});

function readOptions(): z.infer<typeof optionsSchema> | undefined {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: { kills: text, seed: text, rounds: text, minutes: text, database: text, keep: { type: 'boolean' } },
    });
    return optionsSchema.parse(values);
  } catch {
    return undefined;
  }
}

const options = readOptions();
if (options === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'tributary-chaos-'));
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const { database, ...settings } = options;
const result = await runChaos({
  ...settings,
  directory,
  recipes: ['fedavg', 'scaffold'],
  withPostgres: database === 'postgres',
  print,
});
const { kills, linkFaults, runs, equalRuns, failures, seconds } = result;
const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
const byVictim = Object.entries(kills).map(([victim, count]) => `${victim} ${count}`);
print(
  `${total} kills (${byVictim.join(', ')}), ${linkFaults} link faults, ${runs} runs in ${seconds.toFixed(0)} s: ${equalRuns} of ${runs} completed with equal weights`,
);
for (const failure of failures) print(`FAILED: ${failure}`);
if (settings.keep || failures.length > 0) print(`Logs: ${join(directory, 'logs')}`);
else rmSync(directory, { recursive: true, force: true });
process.exit(failures.length === 0 ? 0 : 1);
