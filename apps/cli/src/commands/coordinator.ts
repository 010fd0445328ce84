import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Sets the consortium's server up and starts it. */
export function defineCoordinatorCommands(program: Command, attach: Attach): void {
  const coordinator = program.command('coordinator').description('The consortium’s server.');

  const init = coordinator
    .command('init')
    .description('Makes the secrets and the first admin; prints the admin’s API key once.')
    .requiredOption('--data-dir <dir>', 'where the coordinator keeps its state');
  withExample(init, 'tributary coordinator init --data-dir ./coordinator');
  attach(init, async () => (await import('../processes/pass-through.js')).coordinatorVerb('init'));

  const start = coordinator
    .command('start')
    .description('Serves until it is stopped. Everything else is set by the environment: docs/ref-configuration.md.')
    .requiredOption('--data-dir <dir>', 'where the coordinator keeps its state')
    .option('--port <port>', 'port to listen on; 0 picks a free one')
    .option('--host <host>', 'address to listen on');
  withExample(start, 'tributary coordinator start --data-dir ./coordinator --port 8080');
  attach(start, async () => (await import('../processes/pass-through.js')).coordinatorVerb('start'));
}
