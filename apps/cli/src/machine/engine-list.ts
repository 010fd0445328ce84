import type { Action } from '../command-context.js';
import { textTable } from '../output/table.js';
import { engineCandidates, type EngineCandidate } from './engine-candidates.js';

/** `tributary engine list` */
export const listEngines: Action = async (context) => {
  const candidates = await engineCandidates();
  context.output.list(candidates, candidateTable(candidates));
};

/** Engines as text, the usable ones with their device, the others with the reason. */
export function candidateTable(candidates: readonly EngineCandidate[]): string {
  const rows = candidates.map(({ name, device, usable, reason }) => [
    name,
    usable ? 'yes' : 'no',
    device ?? reason ?? '',
  ]);
  return textTable(['ENGINE', 'USABLE', 'DEVICE OR REASON'], rows);
}
