import { EXIT_CODES } from '@tributary/protocol';
import { requireSiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { runCheck, type CheckResult } from '../preflight/check.js';
import { coordinatorChecks } from '../preflight/coordinator-checks.js';
import { machineChecks } from '../preflight/machine-checks.js';
import type { CommandOutput } from './output.js';

/** @returns 0 when the agent can start, 1 when something has to be mended first. */
export async function preflight(paths: SitePaths, output: CommandOutput): Promise<number> {
  const config = await requireSiteConfig(paths);
  const checks: CheckResult[] = [];
  for (const check of [...coordinatorChecks(config, paths), ...machineChecks(config, paths)]) {
    const result = await runCheck(check);
    output.text(line(result));
    checks.push(result);
  }
  const ok = checks.every((check) => check.ok);
  output.document({ ok, checks }, () => (ok ? 'This site can start.' : 'Mend what is marked FIX, then check again.'));
  return ok ? EXIT_CODES.done : EXIT_CODES.failed;
}

function line({ name, ok, detail, fix }: CheckResult): string {
  return `${ok ? 'ok  ' : 'FIX '} ${name}: ${detail}${ok ? '' : `\n       ${fix}`}`;
}
