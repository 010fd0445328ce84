import { markdownTable } from '../markdown-table.js';
import type { PlannedCase } from '../quality-cases.js';
import { samplingsOf, trainingOf, type QualityRecord, type SamplingRecord } from '../quality-folder.js';
import { referenceTable } from '../quality-table.js';
import { verdictOf, type Verdict } from '../verdict.js';

/** The results of a sweep as Markdown: the references, how many samplings have each verdict, and a row a training. */
export function sweepTable(records: readonly QualityRecord[], plan: readonly PlannedCase[]): string {
  const columns = samplingNames(plan);
  const rows = plan.map(({ qualityCase: { name, alike = [] }, samplings }) => {
    const scored = samplingsOf(records, name);
    const cells = columns.map((column) => {
      if (!samplings.some((sampling) => sampling.name === column)) return '';
      const record = scored.find((each) => each.name === column);
      return record ? cellOf(record) : '…';
    });
    return [[name, ...alike].join('<br>'), trainingOf(records, name)?.loss.toFixed(3) ?? '…', ...cells];
  });
  return [
    referenceTable(records),
    countLine(records, plan),
    markdownTable(['training', 'loss', ...columns], rows),
  ].join('\n\n');
}

/** The names of all samplings of a plan, each once. */
export function samplingNames(plan: readonly PlannedCase[]): string[] {
  return [...new Set(plan.flatMap(({ samplings }) => samplings.map(({ name }) => name)))];
}

const MARKS: Readonly<Record<Verdict, string>> = { better: '', blurred: ' blurred', noise: ' **noise**' };

function cellOf(record: SamplingRecord): string {
  return `${record.fd.toFixed(3)} / ${record.kid.toFixed(4)}${MARKS[verdictOf(record)]}`;
}

function countLine(records: readonly QualityRecord[], plan: readonly PlannedCase[]): string {
  const wanted = plan.flatMap(({ qualityCase, samplings }) => {
    const scored = samplingsOf(records, qualityCase.name);
    return samplings.map((sampling) => scored.find(({ name }) => name === sampling.name));
  });
  const verdicts = wanted.flatMap((record) => (record ? [verdictOf(record)] : []));
  const countOf = (verdict: Verdict): number => verdicts.filter((each) => each === verdict).length;
  const names = plan.flatMap(({ qualityCase: { alike = [] } }) => ['', ...alike]);
  return (
    `${names.length} choices of process and objective, ${plan.length} of them different trainings; ` +
    `${verdicts.length} of ${wanted.length} samplings scored: ${countOf('better')} better than noise, ` +
    `${countOf('blurred')} blurred, ${countOf('noise')} noise.`
  );
}
