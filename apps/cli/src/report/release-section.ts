import { html, type Markup } from './markup.js';
import type { ReportData } from './report-data.js';

/** The released model and how to go on with it. */
export function releaseSection({ result, recipeSha256 }: ReportData): Markup {
  const { version, sha256, path, verified } = result.release;
  const verdict = verified
    ? html`<span class="verified">verified</span>: the weights are those of the lineage, and the lineage carries the
        coordinator’s signature`
    : html`<span class="unverified">not verified</span>: do not use it`;
  return html`<section>
    <h2>The released model</h2>
    <div class="scroll">
      <table>
        <tbody>
          <tr>
            <td>Version</td>
            <td><code>${version}</code></td>
          </tr>
          <tr>
            <td>Weights, SHA-256</td>
            <td><code>${sha256}</code></td>
          </tr>
          <tr>
            <td>Recipe, SHA-256</td>
            <td><code>${recipeSha256}</code></td>
          </tr>
          <tr>
            <td>Check</td>
            <td>${verdict}</td>
          </tr>
        </tbody>
      </table>
    </div>
    <p>The folder holds a diffusers model with its card, lineage and signature. To go on:</p>
    <pre><code>npx tributary model verify ${path}
npx tributary generate --model ${path} --class base-lesion --seeds 0-63 --out samples</code></pre>
  </section>`;
}
