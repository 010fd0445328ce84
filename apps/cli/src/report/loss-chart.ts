import type { SiteContribution } from '../demo/site-contributions.js';
import { html, type Content, type Markup } from './markup.js';

const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 52;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 40;
/** Weight of the past in the drawn average: single rounds are few batches and jump about. */
const SMOOTHING = 0.75;
const Y_TICKS = 4;
const X_TICKS = 5;
const SERIES_COLOURS = 4;

interface Point {
  readonly round: number;
  readonly loss: number;
}

/** Training loss by round, one line a site, as inline SVG with a legend. */
export function lossChart(contributions: readonly SiteContribution[]): Markup {
  const losses = contributions.flatMap(({ siteId, round, loss }) => (loss === null ? [] : [{ siteId, round, loss }]));
  const siteIds = [...new Set(losses.map(({ siteId }) => siteId))].sort();
  const series = siteIds.map((siteId) => ({
    siteId,
    points: smooth(losses.filter((each) => each.siteId === siteId).sort((a, b) => a.round - b.round)),
  }));
  const points = series.flatMap((each) => each.points);
  if (points.length < 2) return html`<p class="small">Too few rounds to draw a line.</p>`;
  const scale = scaleFor(points);
  const lines = series.map(({ siteId, points: own }, index) => line(siteId, own, { index, scale }));
  const legend = series.map(
    ({ siteId }, index) =>
      html`<span><i style="background:var(--series-${index % SERIES_COLOURS})"></i>${siteId}</span>`,
  );
  return html`<svg
      class="chart"
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="Training loss by round and site"
    >
      ${axes(scale)}${lines}
    </svg>
    <div class="legend">${legend}</div>`;
}

interface Scale {
  readonly x: (round: number) => number;
  readonly y: (loss: number) => number;
  readonly lastRound: number;
  readonly topLoss: number;
}

function scaleFor(points: readonly Point[]): Scale {
  const firstRound = Math.min(...points.map(({ round }) => round));
  const lastRound = Math.max(...points.map(({ round }) => round));
  const topLoss = niceCeiling(Math.max(...points.map(({ loss }) => loss)));
  const width = WIDTH - LEFT - RIGHT;
  const height = HEIGHT - TOP - BOTTOM;
  return {
    x: (round) => LEFT + (width * (round - firstRound)) / Math.max(1, lastRound - firstRound),
    y: (loss) => TOP + height * (1 - Math.max(0, loss) / topLoss),
    lastRound,
    topLoss,
  };
}

function smooth(points: readonly Point[]): Point[] {
  const drawn: Point[] = [];
  for (const { round, loss } of points) {
    const before = drawn.at(-1)?.loss ?? loss;
    drawn.push({ round, loss: SMOOTHING * before + (1 - SMOOTHING) * loss });
  }
  return drawn;
}

function line(siteId: string, points: readonly Point[], { index, scale }: { index: number; scale: Scale }): Content {
  const path = points.map(({ round, loss }) => `${scale.x(round).toFixed(1)},${scale.y(loss).toFixed(1)}`).join(' ');
  const stroke = `stroke:var(--series-${index % SERIES_COLOURS})`;
  return html`<polyline class="line" style="${stroke}" points="${path}"><title>${siteId}</title></polyline>`;
}

function axes({ x, y, lastRound, topLoss }: Scale): Content {
  const rows = Array.from({ length: Y_TICKS + 1 }, (_, tick) => (topLoss * tick) / Y_TICKS).map(
    (loss) =>
      html`<line
          class="grid"
          x1="${LEFT}"
          x2="${WIDTH - RIGHT}"
          y1="${y(loss).toFixed(1)}"
          y2="${y(loss).toFixed(1)}"
        />
        <text x="${LEFT - 8}" y="${(y(loss) + 4).toFixed(1)}" text-anchor="end">${Number(loss.toPrecision(2))}</text>`,
  );
  const ticks = [
    ...new Set(
      Array.from({ length: X_TICKS }, (_, tick) => Math.max(1, Math.round((lastRound * (tick + 1)) / X_TICKS))),
    ),
  ];
  const columns = ticks.map(
    (round) => html`<text x="${x(round).toFixed(1)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${round}</text>`,
  );
  const title = html`<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">round</text>`;
  return [...rows, ...columns, title];
}

/** The next of 1, 2, 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  const factor = [1, 2, 5, 10].find((step) => step * power >= value) ?? 10;
  return factor * power;
}
