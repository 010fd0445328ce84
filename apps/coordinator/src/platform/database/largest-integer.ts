/** Of an `Int` column: what is compared with one must not be larger. */
export const LARGEST_INTEGER = 2 ** 31 - 1;
