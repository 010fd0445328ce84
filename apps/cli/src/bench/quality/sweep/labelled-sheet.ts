export interface SheetOptions {
  /** A grid of images with equal rows and columns. */
  readonly png: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  /** From left to right. */
  readonly columns: readonly string[];
  /** From top to bottom. */
  readonly rows: readonly string[];
}

const FONT_PX = 9;
/** Width of a letter, about. */
const LETTER_PX = 5.5;
/** Pixels of the screen for one of an image. */
const ZOOM = 2;

/** A picture of a grid of images with names above its columns and to the left of its rows, as SVG. */
export function labelledSheet({ png, widthPx, heightPx, columns, rows }: SheetOptions): string {
  const left = marginFor(rows);
  const top = marginFor(columns);
  const columnPx = widthPx / columns.length;
  const rowPx = heightPx / rows.length;
  const [width, height] = [left + widthPx, top + heightPx];
  const above = columns.map((name, i) => {
    const x = left + (i + 0.5) * columnPx + FONT_PX / 3;
    return `<text transform="translate(${x} ${top - 4}) rotate(-90)">${name}</text>`;
  });
  const beside = rows.map((name, i) => {
    const y = top + (i + 0.5) * rowPx + FONT_PX / 3;
    return `<text x="${left - 4}" y="${y}" text-anchor="end">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${ZOOM * width}" height="${ZOOM * height}" viewBox="0 0 ${width} ${height}"`,
    ` font-family="sans-serif" font-size="${FONT_PX}">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<image x="${left}" y="${top}" width="${widthPx}" height="${heightPx}" style="image-rendering:pixelated"`,
    ` href="data:image/png;base64,${Buffer.from(png).toString('base64')}"/>`,
    ...above,
    ...beside,
    '</svg>',
  ].join('\n');
}

function marginFor(names: readonly string[]): number {
  return 8 + LETTER_PX * Math.max(...names.map(({ length }) => length));
}
