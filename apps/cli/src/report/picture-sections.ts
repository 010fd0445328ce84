import { html, type Content, type Markup } from './markup.js';
import type { EmbeddedPicture, ReportData } from './report-data.js';

/** Samples from the same seeds after chosen rounds, side by side. */
export function filmSection({ film, filmLegend }: ReportData): Markup {
  const frames = film.map(
    ({ round, picture }) =>
      html`<figure>
        <figcaption>${round === 0 ? 'Before training' : `After round ${round}`}</figcaption>
        ${image(picture, `Samples after round ${round}`)}
      </figure>`,
  );
  return html`<section>
    <h2>How the samples got better</h2>
    <p>The same random seeds, drawn with the shared model after different rounds. ${filmLegend}</p>
    <div class="film">${frames}</div>
  </section>`;
}

/** Real images next to synthetic ones, class by class. */
export function comparisonSection({ comparisons, sites }: ReportData): Markup {
  const rows = sites.map((site) => `${site.id} (${site.scanner})`).join(', ');
  const pairs = comparisons.map(
    ({ className, real, synthetic }) =>
      html`<div class="pair">
        <h3>${classTitle(className)}</h3>
        <div class="both">
          <figure>
            <figcaption>real (phantom)</figcaption>
            ${image(real, `Real images: ${className}`)}
          </figure>
          <figure>
            <figcaption>synthetic</figcaption>
            ${image(synthetic, `Synthetic images: ${className}`)}
          </figure>
        </div>
      </div>`,
  );
  return html`<section>
    <h2>Real next to synthetic</h2>
    <p>
      “Real” means: from the phantom that stands in for patients. Rows are the sites from top to bottom: ${rows}. Where
      a row has no real image, that site has none of this class: the generator still makes it in that site’s style.
    </p>
    <div class="pairs">${pairs}</div>
  </section>`;
}

function image({ uri, widthPx, heightPx }: EmbeddedPicture, description: string): Content {
  return html`<img src="${uri}" width="${widthPx}" height="${heightPx}" alt="${description}" />`;
}

/** `base-lesion` as `Base, with lesion`; `site-a:base` as `Base, site-a`. */
function classTitle(className: string): string {
  const [label = className, siteId] = className.split(':').reverse();
  const [place = label, finding] = label.split('-');
  const title = `${place.charAt(0).toUpperCase()}${place.slice(1)}`;
  return [title, finding === undefined ? [] : [`with ${finding}`], siteId ?? []].flat().join(', ');
}
