import { formatBytes, formatCount, formatShare } from '../output/quantities.js';
import { lossChart } from './loss-chart.js';
import { html, type Markup } from './markup.js';
import type { ReportData } from './report-data.js';

/** Who took part, and what left each site. */
export function participantsSection({ sites, result }: ReportData): Markup {
  const rows = sites.map(
    (site) =>
      html`<tr>
        <td>${site.id}</td>
        <td>${site.scanner}</td>
        <td>${site.fileFormat}</td>
        <td class="number">${formatCount(site.patients)}</td>
        <td class="number">${formatCount(site.images)}</td>
        <td class="number">${site.lesionImages} (${formatShare(site.lesionImages / Math.max(1, site.images))})</td>
        <td class="number">${formatBytes(site.sentBytes)}</td>
      </tr>`,
  );
  return html`<section>
    <h2>Who took part</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Site</th>
            <th>Scanner</th>
            <th>Files</th>
            <th class="number">Patients</th>
            <th class="number">Images</th>
            <th class="number">With lesion</th>
            <th class="number">Sent</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${leavingCards({ sites, result })}
  </section>`;
}

function leavingCards({ sites, result }: Pick<ReportData, 'sites' | 'result'>): Markup {
  return html`<div class="two">
    <div class="card">
      <h3>What left each site</h3>
      <ul>
        <li>
          ${formatBytes(result.bytesUp / Math.max(1, sites.length))} in all: after each round, how the network’s weights
          changed
        </li>
        <li>how many images it trained on, its loss, and how fast it was</li>
        <li>
          at the end: sums over features of its held-out images, never of single ones, and features of generated images
        </li>
        <li>its public key</li>
      </ul>
    </div>
    <div class="card">
      <h3>What never left</h3>
      <ul>
        <li>
          images (${formatBytes(sites.reduce((sum, site) => sum + site.imageBytes, 0))} in all) and everything in their
          headers
        </li>
        <li>names, patient numbers, file names, folders</li>
        <li>labels of single images</li>
        <li>the private key</li>
      </ul>
    </div>
  </div>`;
}

/** Loss by round and site. */
export function lossSection({ contributions }: ReportData): Markup {
  return html`<section>
    <h2>Training loss</h2>
    <p>
      How far the network’s guess is from the image that was hidden under noise, averaged over recent rounds. Lower is
      better; sites differ because their scanners do.
    </p>
    ${lossChart(contributions)}
  </section>`;
}
