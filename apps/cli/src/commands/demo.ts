import { Option, type Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** A consortium on this machine alone. */
export function defineDemoCommand(program: Command, attach: Attach): void {
  const demo = program
    .command('demo')
    .summary('three hospitals train one generator together, on this machine')
    .description(
      'Runs the whole thing on this machine: a coordinator on an embedded database, site agents as separate processes ' +
        'with separate images, keys and policies, one study, one run, then evaluation, release, download and samples. ' +
        'The images are a digital phantom; nothing is downloaded.',
    )
    .addOption(new Option('--profile <profile>', 'how much work').choices(['quick', 'full']).default('quick'))
    .option('--sites <n>', 'how many hospitals', '3')
    .option('--rounds <n>', 'federated rounds (else as the profile says)')
    .option('--seed <n>', 'everything random in the model and the phantom follows from it', '7')
    .option('--out <dir>', 'where the report and everything else goes', 'demo-out')
    .option('--keep', 'leave coordinator and agents running at the end', false)
    .option('--pooled', 'the comparison: one site that holds all images, with the same number of steps', false);
  withExample(demo, 'tributary demo --profile quick --out my-demo', 'tributary --format json demo --rounds 20');
  attach(demo, async () => (await import('../demo/demo-command.js')).runDemoCommand);
}
