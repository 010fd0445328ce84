/** Numbers (or rows) `[begin, end)`. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}
