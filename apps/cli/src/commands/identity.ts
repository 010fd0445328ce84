import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Who this machine is to the coordinator. */
export function defineIdentityCommands(program: Command, attach: Attach): void {
  const login = program
    .command('login')
    .description('Checks --url and --api-key and saves them for later commands, readable by you only.');
  withExample(login, 'tributary login --url http://127.0.0.1:8080 --api-key KEY');
  attach(login, async () => (await import('../http/login.js')).login);

  const whoami = program.command('whoami').description('Who the coordinator takes you for.');
  withExample(whoami, 'tributary whoami');
  attach(whoami, async () => (await import('../http/login.js')).whoami);
}
