import { Ledger, type LedgerEntry } from '../agent/assignments/ledger.js';
import { requireSiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { textTable, type CommandOutput } from './output.js';

/** What this site trained on and sent, entry by entry and in all. */
export async function ledger(paths: SitePaths, output: CommandOutput): Promise<void> {
  const { siteId } = await requireSiteConfig(paths);
  const entries = await new Ledger(paths.ledgerFile).entries();
  const sentBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  const steps = entries.reduce((sum, entry) => sum + entry.steps, 0);
  output.document({ siteId, results: entries.length, sentBytes, steps, entries }, () =>
    [
      textTable(['AT', 'RUN', 'ROUND', 'KIND', 'IMAGES', 'STEPS', 'BYTES', 'SHA-256'], entries.map(row)),
      `${entries.length} results, ${steps} steps, ${sentBytes} bytes sent by ${siteId}`,
    ].join('\n'),
  );
}

function row({ at, runId, round, kind, images, steps, sizeBytes, sha256 }: LedgerEntry): string[] {
  return [at, runId, String(round), kind, String(images), String(steps), String(sizeBytes), sha256.slice(0, 12)];
}
