import { inspectFolder, type FolderReport } from '@tributary/imaging';
import { TributaryError } from '@tributary/protocol/errors';
import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { Progress } from '../output/progress.js';
import { textTable } from '../output/table.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { writeWholeFile } from '../whole-file.js';

/** `tributary data inspect`: what a site would train on, in counts only. */
export const inspectData: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const contactSheetFile = resolve(context.host.cwd, out);
  await requireWritable(contactSheetFile);
  const progress = new Progress(context.output, { label: 'Reading', total: 0, unit: 'files' });
  const { contactSheetPng, ...report } = await inspectFolder({
    directory: resolve(context.host.cwd, argumentAt(values, 0, 'folder')),
    signal: context.host.signal,
    onProgress: ({ done, total }) => progress.update(done, total),
  });
  if (report.images > 0 || report.problems.length > 0) progress.finish();
  if (report.images === 0) throw emptyFolder(report.problems);
  const contactSheet = contactSheetPng.length === 0 ? null : contactSheetFile;
  if (contactSheet !== null) await writeWholeFile(contactSheet, contactSheetPng, { mode: 0o600 });
  context.output.document({ ...report, contactSheet }, reportText(report, contactSheet));
};

/** Before all images are read, which may take hours. */
async function requireWritable(file: string): Promise<void> {
  const isFree = await Promise.all([access(dirname(file), constants.W_OK), stat(file).catch(() => undefined)]).then(
    ([, found]) => found?.isDirectory() !== true,
    () => false,
  );
  if (!isFree) throw new TributaryError('USAGE_INVALID', { detail: '--out: a file in a folder that can be written' });
}

function emptyFolder(problems: FolderReport['problems']): TributaryError {
  const detail = problems.length === 0 ? 'it is empty' : problemsText({ problems });
  return new TributaryError('DATA_EMPTY', { detail, problems });
}

function reportText(report: Omit<FolderReport, 'contactSheetPng'>, contactSheet: string | null): string {
  return textTable(
    ['Images', `${report.images} of ${report.patients} patients`],
    [
      ['per patient', `${report.imagesPerPatient.least} to ${report.imagesPerPatient.most}`],
      ['formats', counted(report.formats)],
      ['modalities', counted(report.modalities)],
      ['classes', counted(report.classes)],
      ['sizes', counted(report.sizes)],
      ['problems', problemsText(report)],
      ['contact sheet', contactSheet ?? 'none'],
    ],
  );
}

function problemsText({ problems }: Pick<FolderReport, 'problems'>): string {
  return problems.map(({ kind, count }) => `${count} ${kind}`).join(', ') || 'none';
}

function counted(counts: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count ?? 0}`);
  return parts.join(', ') || 'none';
}
