import { formatBytes, formatCount, formatSeconds, formatShare } from '../output/quantities.js';
import { html, type Content, type Markup } from './markup.js';
import type { ReportData } from './report-data.js';

/** What a reader should know after ten seconds. */
export function headline(data: ReportData): Markup {
  const { result, sites } = data;
  const { scores, rounds, seconds, slabShare, bytesUp } = result;
  const images = sites.reduce((sum, site) => sum + site.images, 0);
  const ratio = scores.before.fd / Math.max(scores.after.fd, Number.EPSILON);
  return html`<header>
    <h1>${titleOf(data)}</h1>
    <p class="lead">
      This was the demonstration of Tributary on one machine. The “hospitals” are separate processes with their own
      folders, keys and rules; their images are a digital brain phantom, not patients.
    </p>
    <div class="cards">
      ${card(`${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}× closer`, `The generated images are ${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)} times closer to real ones than before training (Frechet distance ${scores.before.fd.toPrecision(2)} to ${scores.after.fd.toPrecision(2)}).`)}
      ${card(formatShare(slabShare), 'of the generated images show the part of the brain that was asked for, as judged by a classifier built from real images.')}
      ${card(`${rounds.length} rounds`, `of shared training in ${formatSeconds(seconds)} altogether, on ${formatCount(images)} images that stayed where they are.`)}
      ${card(formatBytes(bytesUp / Math.max(1, sites.length)), 'left each hospital: changes of network weights and summary numbers. Images sent: none.')}
    </div>
  </header>`;
}

function titleOf({ result, sites }: ReportData): string {
  if (result.pooled) return 'The comparison: one site that holds all images trained the generator.';
  const hospitals = `${numberWord(sites.length)} hospital${sites.length === 1 ? '' : 's'}`;
  return `${hospitals} trained one image generator. No image left its hospital.`;
}

function card(figure: string, explanation: string): Content {
  return html`<div class="card"><strong>${figure}</strong><span>${explanation}</span></div>`;
}

const WORDS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight'] as const;

function numberWord(count: number): string {
  return WORDS[count] ?? String(count);
}
