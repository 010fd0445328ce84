import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ARMS } from './heterogeneous-arms.js';
import { benchHeterogeneousSites, type ArmResult } from './heterogeneous-sites.js';

const count = z.coerce.number().pipe(z.int().min(1));
const optionsSchema = z.object({
  /** Names of arms, with commas between them. */
  arms: z.string().transform((names) => names.split(',').map(armOf)),
  size: count,
  rounds: count,
  'local-steps': count,
  patients: count,
  samples: count,
  seed: z.coerce.number().pipe(z.int().min(0)),
  out: z.string(),
  sheets: z.string().optional(),
});

function armOf(name: string) {
  const arm = ARMS.find((each) => each.name === name);
  if (arm === undefined) throw new RangeError(`no arm ${name}; there are ${ARMS.map((each) => each.name).join(', ')}`);
  return arm;
}

const { values } = parseArgs({
  options: {
    arms: { type: 'string', default: ARMS.map(({ name }) => name).join(',') },
    size: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '130' },
    'local-steps': { type: 'string', default: '8' },
    patients: { type: 'string', default: '160' },
    samples: { type: 'string', default: '128' },
    seed: { type: 'string', default: '1' },
    sheets: { type: 'string' },
    out: { type: 'string', default: 'heterogeneous.json' },
  },
});
const options = optionsSchema.parse(values);
const size = {
  imageSizePx: options.size,
  rounds: options.rounds,
  localSteps: options['local-steps'],
  samplesPerSite: options.samples,
  seed: options.seed,
};
const results: ArmResult[] = [];
await benchHeterogeneousSites({
  arms: options.arms,
  size,
  patientsPerSite: options.patients,
  sheets: options.sheets,
  onRound: (arm, n, loss) => process.stderr.write(`\r${arm} round ${n} loss ${loss.toFixed(4)} `),
  onArm: async (result) => {
    results.push(result);
    const pooledFd = results.find(({ arm }) => arm === 'pooled')?.fd;
    const ratio = pooledFd === undefined ? '' : (result.fd / pooledFd).toFixed(2);
    const share = (value: number | null): string => (value === null ? '' : `${(100 * value).toFixed(1)} %`);
    const cells = [
      result.arm,
      result.what,
      `${result.rounds}`,
      result.fd.toFixed(4),
      ratio,
      share(result.siteShare),
      share(result.slabShare),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
    await writeFile(options.out, `${JSON.stringify({ ...size, patients: options.patients, results }, null, 2)}\n`);
  },
});
