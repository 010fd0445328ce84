import { openEngine } from '@tributary/tensor';
import { cpus } from 'node:os';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { textTable } from '../output/table.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { engineCandidates } from './engine-candidates.js';
import { probeTraining } from './training-probe.js';

const optionsSchema = z.object({ seconds: wholeNumber(1, 600), threads: wholeNumber(1, 256) });

interface BenchRow {
  readonly bench: 'engine';
  readonly case: string;
  readonly metric: 'trainImagesPerSecond' | 'compileSeconds';
  readonly unit: string;
  readonly ours: number;
}

/** `tributary bench engine`: training speed of every usable engine. */
export const benchEngine: Action = async (context, { options: typed }) => {
  const { seconds, threads } = parseVerbOptions(optionsSchema, typed);
  const rows: BenchRow[] = [];
  for (const { name, usable } of await engineCandidates()) {
    if (!usable) continue;
    context.output.note(`Measuring ${name} for ${seconds} s`);
    const engine = await openEngine({ name, threads });
    const probe = await probeTraining(engine, seconds);
    const label = `${engine.name}/${engine.device}, ${engine.threads} thread(s), quick demo network, batch 16`;
    rows.push({
      bench: 'engine',
      case: label,
      metric: 'trainImagesPerSecond',
      unit: '1/s',
      ours: probe.imagesPerSecond,
    });
    rows.push({ bench: 'engine', case: label, metric: 'compileSeconds', unit: 's', ours: probe.compileSeconds });
    await engine.dispose();
  }
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`;
  const document = { machine, versions: { node: process.version }, rows };
  const lines = rows.map((row) => [row.case, row.metric, row.ours.toPrecision(4), row.unit]);
  context.output.document(document, textTable(['CASE', 'METRIC', 'VALUE', 'UNIT'], lines));
};
