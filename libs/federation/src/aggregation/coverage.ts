import { elementCount, type ParameterEntry } from '@tributary/protocol/manifest';
import type { Range } from '../vectors/range.js';

/** Rows `[begin, end)` of the first dimension of one parameter: all that a site has a say in. */
export interface OwnedRows {
  readonly parameter: string;
  readonly rows: readonly Range[];
}

/** A stretch of the flat vector that the same sites contributed to. */
export interface Segment extends Range {
  /** Indices of the sites, ascending; may be empty. */
  readonly group: readonly number[];
}

/** What one site's update speaks for. */
export interface Coverage {
  /** Names of the parameters that the update holds; absent: all. */
  readonly parameters?: readonly string[];
  readonly ownedRows?: readonly OwnedRows[];
}

/**
 * The stretches of the flat vector that a site contributes to, ascending and disjoint, neighbours joined.
 *
 * @throws RangeError for a parameter that the manifest lacks, or rows that the parameter lacks.
 */
export function coveredRanges(manifest: readonly ParameterEntry[], coverage: Coverage): Range[] {
  const held = coverage.parameters && new Set(coverage.parameters);
  const owned = new Map(coverage.ownedRows?.map(({ parameter, rows }) => [parameter, rows]));
  assertKnown(manifest, [...(held ?? []), ...owned.keys()]);
  const ranges: Range[] = [];
  let begin = 0;
  for (const entry of manifest) {
    const end = begin + elementCount(entry.shape);
    const rows = owned.get(entry.name);
    if (held === undefined || held.has(entry.name)) {
      ranges.push(...(rows ? rowRanges(begin, entry, rows) : [{ begin, end }]));
    }
    begin = end;
  }
  return joinNeighbours(ranges);
}

/** Divides the vector wherever the set of contributing sites changes. */
export function segmentsOf(length: number, covered: readonly (readonly Range[])[]): Segment[] {
  const cuts = new Set([0, length]);
  for (const { begin, end } of covered.flat()) cuts.add(begin).add(end);
  const ascending = [...cuts].sort((a, b) => a - b);
  const cursors = covered.map(() => 0);
  return ascending.slice(0, -1).map((begin, index) => {
    const end = ascending[index + 1] ?? length;
    const group = covered.flatMap((ranges, site) => {
      let cursor = cursors[site] ?? 0;
      while ((ranges[cursor]?.end ?? length) <= begin && cursor < ranges.length) cursor++;
      cursors[site] = cursor;
      const range = ranges[cursor];
      return range && range.begin <= begin ? [site] : [];
    });
    return { begin, end, group };
  });
}

function rowRanges(parameterBegin: number, { shape }: ParameterEntry, rows: readonly Range[]): Range[] {
  const [rowCount = 1, ...rowShape] = shape;
  const rowLength = elementCount(rowShape);
  let previousEnd = 0;
  return rows.map(({ begin, end }) => {
    if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < previousEnd || end <= begin || end > rowCount) {
      throw new RangeError('owned rows must be ascending, disjoint and inside the parameter');
    }
    previousEnd = end;
    return { begin: parameterBegin + begin * rowLength, end: parameterBegin + end * rowLength };
  });
}

function joinNeighbours(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last?.end === range.begin) joined[joined.length - 1] = { begin: last.begin, end: range.end };
    else joined.push(range);
  }
  return joined;
}

function assertKnown(manifest: readonly ParameterEntry[], names: readonly string[]): void {
  const known = new Set(manifest.map(({ name }) => name));
  if (!names.every((name) => known.has(name)))
    throw new RangeError('the coverage names a parameter that does not exist');
}
