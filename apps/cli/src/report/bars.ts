import { html, type Markup } from './markup.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
}

/** Horizontal bars, each as long as its share of the longest. */
export function barList(bars: readonly Bar[]): Markup {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const rows = bars.map(
    ({ label, value, shown }) =>
      html`<div class="row">
        <span>${label}</span>
        <div class="track">
          <div class="fill" style="width:${((100 * Math.max(0, value)) / longest).toFixed(2)}%"></div>
        </div>
        <span class="value">${shown}</span>
      </div>`,
  );
  return html`<div class="bars">${rows}</div>`;
}
