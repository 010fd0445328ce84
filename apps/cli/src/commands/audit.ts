import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

export function defineAuditCommands(program: Command, attach: Attach): void {
  const audit = program.command('audit').description('The coordinator’s hash-chained log.');
  const verify = audit.command('verify').description('Recomputes the chain and names the first broken entry.');
  withExample(verify, 'tributary audit verify');
  attach(verify, async () => (await import('../http/audit.js')).verifyAudit);
}
