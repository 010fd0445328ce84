/** The page's whole style sheet: no font, script or picture is loaded from anywhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1c2430; --soft: #5b6573; --line: #e3e1db; --accent: #17636b; --tint: #e8f1f1;
  --series-0: #2a78d6; --series-1: #d9571f; --series-2: #16976a; --series-3: #8a5cd1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --card: #1a2027; --ink: #e7eaee; --soft: #9aa5b1; --line: #2c343d; --accent: #74c7cd; --tint: #1b2b2e;
    --series-0: #5a9ff0; --series-1: #f0844f; --series-2: #3dbd8e; --series-3: #ae8bec;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 48px 20px 80px; }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.3rem); line-height: 1.2; margin: 0 0 12px; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 1.3rem; margin: 56px 0 8px; letter-spacing: -0.005em; }
p { margin: 0 0 12px; max-width: 68ch; }
.lead { font-size: 1.1rem; color: var(--soft); }
.small { font-size: 0.875rem; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); gap: 14px; margin: 28px 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px; }
.card strong { display: block; font-size: 1.65rem; line-height: 1.2; color: var(--accent); font-weight: 650; font-variant-numeric: tabular-nums; }
.card span { display: block; color: var(--soft); font-size: 0.9rem; line-height: 1.45; margin-top: 6px; }
.film { display: grid; grid-template-columns: repeat(auto-fill, minmax(168px, 1fr)); gap: 18px 14px; margin: 18px 0 8px; }
.film img { width: 100%; }
figure { margin: 0; }
figcaption { font-size: 0.85rem; color: var(--soft); margin-bottom: 6px; }
figure img, .pair img { display: block; background: #000; border-radius: 8px; image-rendering: auto; max-width: 100%; height: auto; }
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 18px; margin-top: 18px; }
.pair { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px; }
.pair h3 { margin: 0 0 10px; font-size: 1rem; font-weight: 600; }
.pair .both { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.pair .both img { width: 100%; image-rendering: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; margin: 14px 0 6px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 9px 14px 9px 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; font-size: 0.85rem; }
td.number, th.number { text-align: right; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 18px; margin-top: 18px; }
.two .card h3 { margin: 0 0 8px; font-size: 1rem; }
ul { margin: 0; padding-left: 1.1em; } li { margin: 4px 0; }
.chart { width: 100%; max-width: 760px; display: block; margin-top: 12px; }
.chart text { fill: var(--soft); font: 13px system-ui, sans-serif; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; font-size: 0.9rem; color: var(--soft); margin-top: 6px; }
.legend i { display: inline-block; width: 18px; height: 3px; border-radius: 2px; vertical-align: middle; margin-right: 7px; }
.bars { display: grid; grid-template-columns: minmax(7em, max-content) 1fr max-content; gap: 8px 14px; align-items: center; font-size: 0.95rem; margin: 14px 0; }
.bars .row { display: contents; }
.bars .track { background: var(--tint); border-radius: 5px; height: 14px; overflow: hidden; }
.bars .fill { background: var(--accent); height: 100%; border-radius: 5px; min-width: 2px; }
.bars .value { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 0.88em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; overflow-x: auto; margin: 12px 0; }
.verified { color: var(--series-2); font-weight: 600; } .unverified { color: var(--series-1); font-weight: 600; }
footer { margin-top: 64px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.875rem; }
@media (max-width: 480px) { main { padding: 28px 16px 56px; } h2 { margin-top: 42px; } .film { grid-template-columns: repeat(3, 1fr); gap: 14px 10px; } .cards { grid-template-columns: 1fr 1fr; gap: 10px; } .card { padding: 14px; } .card strong { font-size: 1.3rem; } th, td { white-space: normal; padding-right: 10px; } .bars { grid-template-columns: 1fr; } .bars .row { display: grid; grid-template-columns: 1fr max-content; gap: 3px 12px; } .bars .track { grid-area: 2 / 1 / 3 / 3; } }
`.trim();
