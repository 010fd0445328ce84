import { type EngineProbe, probeEngines } from '@tributary/engines';
import type { Action } from '../command-context.js';
import { textTable } from '../output/table.js';

/** `tributary engine list` */
export const listEngines: Action = async (context) => {
  const candidates = await probeEngines();
  context.output.list(candidates, candidateTable(candidates));
};

/** Engines as text: the usable ones with their speed, the others with the reason. */
export function candidateTable(candidates: readonly EngineProbe[]): string {
  const rows = candidates.map(({ name, device, usable, reason, stepMs }) => [
    name,
    device,
    usable ? 'yes' : 'no',
    reason ?? (stepMs === null ? 'for tests' : `${stepMs.toFixed(1)} ms a probe step`),
  ]);
  return textTable(['ENGINE', 'DEVICE', 'USABLE', 'SPEED OR REASON'], rows);
}
