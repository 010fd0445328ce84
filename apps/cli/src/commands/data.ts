import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** What a hospital finds out about its images before it takes part. */
export function defineDataCommands(program: Command, attach: Attach): void {
  const data = program.command('data').description('A hospital’s folder of images.');
  const inspect = data
    .command('inspect <folder>')
    .description(
      'What a site would train on: counts by kind, class and patient, sizes, problems. Never prints identifiers.',
    )
    .option('--out <file>', 'where the contact sheet goes', 'contact-sheet.png');
  withExample(inspect, 'tributary data inspect /data/mri');
  attach(inspect, async () => (await import('../machine/data-inspect.js')).inspectData);
}
