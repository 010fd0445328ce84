import type { PlannedCase } from './quality-cases.js';
import { samplingsOf, trainingOf, type QualityRecord } from './quality-folder.js';
import { markdownTable } from './markdown-table.js';
import { quickestFirst } from './samplings.js';
import { verdictOf } from './verdict.js';

/** The results of a plan as Markdown: the references, the trainings, and a row a sampling. */
export function qualityTable(records: readonly QualityRecord[], plan: readonly PlannedCase[]): string {
  const names = plan.map(({ qualityCase }) => qualityCase.name);
  const training = names.flatMap((name) => {
    const record = trainingOf(records, name);
    return record ? [[name, record.loss.toFixed(3), (record.seconds / 60).toFixed(1)]] : [];
  });
  const samplings = names.flatMap((name) => samplingRows(records, name));
  return [
    referenceTable(records),
    markdownTable(['training', 'last loss', 'minutes'], training),
    markdownTable(['training', 'sampler', 'steps', 'evaluations', 'FD', 'KID', 'verdict', 'images/s'], samplings),
  ].join('\n\n');
}

/** The best and the worst that a row can be. */
export function referenceTable(records: readonly QualityRecord[]): string {
  const rows = records.flatMap((record) =>
    record.kind === 'reference' ? [[record.name, ...distances(record), verdictOf(record)]] : [],
  );
  return markdownTable(['reference', 'FD', 'KID', 'verdict'], rows);
}

/** The samplings of one training, quickest first. */
function samplingRows(records: readonly QualityRecord[], name: string): string[][] {
  return quickestFirst(samplingsOf(records, name)).map((record) => [
    name,
    record.sampler,
    record.sampler === 'ode' ? 'adaptive' : String(record.steps),
    String(record.evaluations ?? ''),
    ...distances(record),
    verdictOf(record),
    (record.images / record.seconds).toFixed(1),
  ]);
}

function distances({ fd, kid }: { readonly fd: number; readonly kid: number }): string[] {
  return [fd.toFixed(4), kid.toFixed(4)];
}
