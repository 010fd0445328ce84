import { inspectFolder, type FolderReport } from '@tributary/imaging';
import { rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { Progress } from '../output/progress.js';
import { textTable } from '../output/table.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';

/** `tributary data inspect`: what a site would train on, in counts only. */
export const inspectData: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const progress = new Progress(context.output, { label: 'Reading', total: 100, unit: '%' });
  const { contactSheetPng, ...report } = await inspectFolder({
    directory: resolve(context.host.cwd, argumentAt(values, 0, 'folder')),
    signal: context.host.signal,
    onProgress: ({ done, total }) => progress.update(Math.round((100 * done) / Math.max(1, total))),
  });
  progress.finish();
  const contactSheet = contactSheetPng.length === 0 ? null : resolve(context.host.cwd, out);
  if (contactSheet !== null) {
    await writeFile(`${contactSheet}.part`, contactSheetPng);
    await rename(`${contactSheet}.part`, contactSheet);
  }
  context.output.document({ ...report, contactSheet }, reportText(report, contactSheet));
};

function reportText(report: Omit<FolderReport, 'contactSheetPng'>, contactSheet: string | null): string {
  const problems = report.problems.map(({ kind, count }) => `${count} ${kind}`).join(', ');
  return textTable(
    ['Images', `${report.images} of ${report.patients} patients`],
    [
      ['per patient', `${report.imagesPerPatient.least} to ${report.imagesPerPatient.most}`],
      ['formats', counted(report.formats)],
      ['modalities', counted(report.modalities)],
      ['classes', counted(report.classes)],
      ['sizes', counted(report.sizes)],
      ['problems', problems || 'none'],
      ['contact sheet', contactSheet ?? 'none'],
    ],
  );
}

function counted(counts: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count ?? 0}`);
  return parts.join(', ') || 'none';
}
