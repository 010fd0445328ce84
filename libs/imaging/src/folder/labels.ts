import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '@tributary/protocol/errors';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { systemErrorCode } from './system-error.js';

/** Stands for every image of a patient in the column `slice`. */
const EVERY_SLICE = '*';
const COLUMNS = ['patient', 'slice', 'class'] as const;
type Column = (typeof COLUMNS)[number];

/** One row of `labels.csv`; `row` counts lines from 1, the header included. */
export interface LabelRow {
  readonly row: number;
  readonly patient: string;
  readonly slice: string;
  readonly className: string;
}

/** Class of each image by patient and slice. */
export class Labels {
  readonly #classes = new Map<string, Map<string, string>>();

  /** @throws TributaryError `DATA_LABELS_INVALID` when two rows contradict each other. */
  constructor(rows: readonly LabelRow[]) {
    for (const { row, patient, slice, className } of rows) {
      const slices = this.#classes.get(patient) ?? new Map<string, string>();
      const before = slices.get(sliceKey(slice));
      if (before !== undefined && before !== className) {
        throw labelFault(row, 'class', 'the class that an earlier row gives the same image');
      }
      slices.set(sliceKey(slice), className);
      this.#classes.set(patient, slices);
    }
  }

  hasPatient(patient: string): boolean {
    return this.#classes.has(patient);
  }

  classOf(patient: string, slice: string): string | undefined {
    const slices = this.#classes.get(patient);
    return slices?.get(sliceKey(slice)) ?? slices?.get(EVERY_SLICE);
  }

  /** How many rows name a single image for which `seen` is false. */
  countUnseen(seen: (patient: string, slice: string) => boolean): number {
    let unseen = 0;
    for (const [patient, slices] of this.#classes) {
      for (const slice of slices.keys()) if (slice !== EVERY_SLICE && !seen(patient, slice)) unseen++;
    }
    return unseen;
  }
}

/** `007` and `7`, `3.01` and `3.1` name the same slice. */
export function sliceKey(slice: string): string {
  return /^\d+(\.\d+)?$/.test(slice) ? slice.split('.').map(Number).join('.') : slice;
}

/**
 * The rows of the folder's `labels.csv` (columns `patient`, `slice`, `class` in any order; others are ignored).
 *
 * @returns undefined when there is no such file.
 * @throws TributaryError `DATA_LABELS_INVALID` with row and column, never with a value.
 */
export async function readLabelRows(directory: string): Promise<LabelRow[] | undefined> {
  const text = await readFile(join(directory, 'labels.csv'), 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new TributaryError('DATA_LABELS_INVALID', { detail: 'it or its folder cannot be read' }, { cause: error });
  });
  return text === undefined ? undefined : parseLabelRows(text);
}

const cellsSchema = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) }));

/** @throws TributaryError `DATA_LABELS_INVALID`. */
export function parseLabelRows(text: string): LabelRow[] {
  const [header, ...rows] = parseCells(text);
  if (header === undefined) throw labelFault(1, 'patient', 'a header row');
  const names = header.record.map((name) => name.trim().toLowerCase());
  const positions = COLUMNS.map((column) => {
    const position = names.indexOf(column);
    if (position < 0) throw labelFault(1, column, `a column named ${column}`);
    return position;
  });
  return rows.map(({ record, info }) => {
    const [patient, slice, className] = COLUMNS.map((column, index) => {
      const value = record[positions[index] ?? -1]?.trim() ?? '';
      if (value === '') throw labelFault(info.lines, column, 'a value');
      return value;
    });
    return { row: info.lines, patient: patient ?? '', slice: slice ?? '', className: className ?? '' };
  });
}

function parseCells(text: string): z.infer<typeof cellsSchema> {
  try {
    return cellsSchema.parse(parse(text, { bom: true, info: true, skip_empty_lines: true, relax_column_count: true }));
  } catch (error) {
    const row = error instanceof CsvError && typeof error.lines === 'number' ? error.lines : 1;
    // The parser's own message quotes the row, hence no cause.
    throw labelFault(row, 'patient', 'comma-separated values with closed quotes');
  }
}

/** An error that says where in `labels.csv`, without saying what stands there. */
function labelFault(row: number, column: Column, expected: string): TributaryError {
  return new TributaryError('DATA_LABELS_INVALID', {
    detail: `row ${row}, column ${column}: expected ${expected}`,
    fields: [{ path: `labels.csv row ${row} column ${column}`, expected }],
  });
}

/**
 * Checks that all rows name classes of the study.
 *
 * @throws TributaryError `DATA_UNKNOWN_CLASS` with the row of the first that does not.
 */
export function checkClasses(rows: readonly LabelRow[], classes: readonly string[]): void {
  const known = new Set(classes);
  const unknown = rows.filter(({ className }) => !known.has(className));
  const [first] = unknown;
  if (first === undefined) return;
  const expected = `one of ${classes.join(', ')}`;
  throw new TributaryError('DATA_UNKNOWN_CLASS', {
    detail: `row ${first.row}, column class: expected ${expected} (${unknown.length} such rows)`,
    fields: [{ path: `labels.csv row ${first.row} column class`, expected }],
  });
}
