import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Looks at the coordinator's log. */
export function defineAuditCommands(program: Command, attach: Attach): void {
  const audit = program.command('audit').description('The coordinator’s hash-chained log.');
  const verify = audit.command('verify').description('Recomputes the chain and names the first broken entry.');
  withExample(verify, 'tributary audit verify');
  attach(verify, async () => (await import('../audit/verify-audit.js')).verifyAudit);

  const exported = audit
    .command('export')
    .description('Every entry as a JSON line, oldest first.')
    .option('--out <file>', 'a file that does not exist yet; the standard output when left out');
  withExample(exported, 'tributary audit export --out audit.ndjson');
  attach(exported, async () => (await import('../audit/export-audit.js')).exportAudit);
}
