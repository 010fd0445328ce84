import { costOf, QUALITY_CASES } from './quality-cases.js';
import type { QualityRecord } from './quality-folder.js';

/** The results as Markdown: the references, the trainings, and a row a sampling. */
export function qualityTable(records: readonly QualityRecord[]): string {
  const training = records.flatMap((record) =>
    record.kind === 'training' ? [[record.case, record.loss.toFixed(3), (record.seconds / 60).toFixed(1)]] : [],
  );
  const references = records.flatMap((record) =>
    record.kind === 'reference' ? [[record.name, ...distances(record)]] : [],
  );
  const samplings = QUALITY_CASES.flatMap(({ name }) => samplingRows(records, name));
  return [
    markdownTable(['reference', 'FD', 'KID'], references),
    markdownTable(['training', 'last loss', 'minutes'], training),
    markdownTable(['training', 'sampler', 'steps', 'evaluations', 'FD', 'KID', 'images/s'], samplings),
  ].join('\n\n');
}

/** The samplings of one training, quickest first. */
function samplingRows(records: readonly QualityRecord[], name: string): string[][] {
  return records
    .flatMap((record) => (record.kind === 'sampling' && record.case === name ? [record] : []))
    .toSorted((a, b) => costOf(a) - costOf(b))
    .map((record) => [
      name,
      record.sampler,
      record.sampler === 'ode' ? 'adaptive' : String(record.steps),
      String(record.evaluations ?? ''),
      ...distances(record),
      (record.images / record.seconds).toFixed(1),
    ]);
}

function distances({ fd, kid }: { readonly fd: number; readonly kid: number }): string[] {
  return [fd.toFixed(4), kid.toFixed(4)];
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, headings.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
