import type { Spread } from '@tributary/evaluation/scores/spread';
import { formatCount, formatSeconds, formatShare } from '../output/quantities.js';
import { barList } from './bars.js';
import { html, type Content, type Markup } from './markup.js';
import type { ReportData } from './report-data.js';

/** The measured quality, with what the measures mean. */
export function scoresSection({ result }: ReportData): Markup {
  const { scores, realFd } = result;
  const realBars = realFd === null ? [] : [bar('real to real', realFd)];
  return html`<section>
    <h2>How good are the images?</h2>
    <p>
      Measured on ${formatCount(result.syntheticImages)} generated images against ${formatCount(result.heldOutImages)}
      real images of patients that were kept out of training. Each site computes sums over features of its own images;
      only these sums are pooled.
    </p>
    <div class="two">
      <div class="card">
        <h3>Frechet distance</h3>
        <p class="small">
          How far apart two sets of images are on average and in their variety. 0 would be no difference.
        </p>
        ${barList([bar('before', scores.before.fd), bar('after', scores.after.fd), ...realBars])}
      </div>
      <div class="card">
        <h3>Kernel distance</h3>
        <p class="small">A second measure that is less easily fooled by few images. 0 would be no difference.</p>
        ${barList([bar('before', scores.before.kid), bar('after', scores.after.kid)])}
      </div>
    </div>
    ${classifierTable(result)}
    <p class="small">
      The features come from a fixed network with a stated seed, not from a network trained on photographs: figures can
      be compared between runs of Tributary, not with published FID values.
    </p>
  </section>`;
}

/** Whether a classifier built from real images finds in the generated ones what was asked for. */
function classifierTable({ slabShare, siteShare, realClassShare, realSiteShare }: ReportData['result']): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Judged by a classifier built from real images</th>
          <th class="number">generated</th>
          <th class="number">real, held out</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <td>shows the part of the brain that was asked for</td>
          <td class="number">${formatShare(slabShare)}</td>
          <td class="number">${formatShare(realClassShare)}</td>
        </tr>
        <tr>
          <td>looks like the scanner of its site</td>
          <td class="number">${formatShare(siteShare)}</td>
          <td class="number">${formatShare(realSiteShare)}</td>
        </tr>
      </tbody>
    </table>
  </div>`;
}

/** What the synthetic images of the scarce class are good for. */
export function utilitySection({ result }: ReportData): Markup {
  const { realOnly, withSynthetic, rareClass, trainLesions, syntheticLesions, testLesions } = result.utility;
  if (realOnly === null || withSynthetic === null) {
    return html`<section>
      <h2>Do the synthetic ${rareClass} images help?</h2>
      <p>Not measured in this run.</p>
    </section>`;
  }
  return html`<section>
    <h2>Do the synthetic ${rareClass} images help?</h2>
    <p>
      A small classifier learns to tell images with a ${rareClass} from those without, once from real images only and
      once with synthetic ${rareClass} images added, and is tested on patients that neither it nor the generator has
      seen. Over all sites: ${trainLesions ?? 0} real and ${syntheticLesions ?? 0} synthetic images with a ${rareClass}
      to learn from, ${testLesions ?? 0} to be tested with.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Trained on</th>
            <th class="number">area under the curve</th>
            <th class="number">spread</th>
            <th class="number">each seed</th>
          </tr>
        </thead>
        <tbody>
          ${utilityRow('real images', realOnly)}${utilityRow('real and synthetic', withSynthetic)}
        </tbody>
      </table>
    </div>
    <p>${gainText(realOnly, withSynthetic)}</p>
  </section>`;
}

/** Whether the gain in the mean is more than the spread between seeds. */
function gainText(realOnly: Spread, withSynthetic: Spread): string {
  const gain = withSynthetic.mean - realOnly.mean;
  const spread = Math.hypot(realOnly.sd, withSynthetic.sd);
  if (Math.abs(gain) <= spread)
    return 'The difference is within the spread between seeds: no clear effect in this run.';
  return gain > 0 ? 'The synthetic images helped in this run.' : 'The synthetic images did not help in this run.';
}

/** Where the time went. */
export function timingSection({ result }: ReportData): Markup {
  const bars = result.stages.map(({ stage, seconds }) => ({
    label: stage,
    value: seconds,
    shown: formatSeconds(seconds),
  }));
  const { name, device, threads } = result.engine;
  return html`<section>
    <h2>Where the time went</h2>
    ${barList(bars)}
    <p class="small">
      ${formatSeconds(result.seconds)} altogether. Each site trained with the ${name} engine on ${device}, ${threads}
      thread${threads === 1 ? '' : 's'}.
    </p>
  </section>`;
}

function bar(label: string, value: number): { label: string; value: number; shown: string } {
  return { label, value, shown: value.toPrecision(3) };
}

function utilityRow(label: string, { mean, sd, perSeed }: Spread): Content {
  return html`<tr>
    <td>${label}</td>
    <td class="number">${mean.toFixed(3)}</td>
    <td class="number">± ${sd.toFixed(3)}</td>
    <td class="number">${perSeed.map((value) => value.toFixed(3)).join(', ')}</td>
  </tr>`;
}
