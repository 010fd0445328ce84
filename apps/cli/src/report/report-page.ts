import { headline } from './headline.js';
import { html } from './markup.js';
import { Markup } from './markup.js';
import { comparisonSection, filmSection } from './picture-sections.js';
import { releaseSection } from './release-section.js';
import type { ReportData } from './report-data.js';
import { scoresSection, timingSection, utilitySection } from './scores-section.js';
import { STYLE } from './style.js';
import { lossSection, participantsSection } from './training-section.js';

/** The whole report as one HTML page that needs nothing else and loads nothing. */
export function reportPage(data: ReportData): string {
  const { result, finishedAt } = data;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Tributary demo: ${result.runId}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${headline(data)} ${filmSection(data)} ${comparisonSection(data)} ${scoresSection(data)}
          ${utilitySection(data)} ${participantsSection(data)} ${lossSection(data)} ${timingSection(data)}
          ${releaseSection(data)}
          <footer>
            Run ${result.runId}, profile ${result.profile}, seed ${result.seed}; finished
            ${finishedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC. All figures are in result.json beside this
            page.
          </footer>
        </main>
      </body>
    </html> `;
  return page.text;
}
