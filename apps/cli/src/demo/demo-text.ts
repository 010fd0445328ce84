import { formatBytes, formatNumberOf, formatSeconds, formatShare } from '../output/quantities.js';
import { textTable } from '../output/table.js';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import type { DemoResult } from './demo-result.js';

/** What a person reads at the end of the demo. */
export function resultText(result: DemoResult): string {
  const { scores, utility, release } = result;
  const auc = ({ realOnly, withSynthetic }: DemoResult['utility']): string =>
    realOnly === null || withSynthetic === null
      ? 'not measured'
      : `${realOnly.mean.toFixed(3)} ± ${realOnly.sd.toFixed(3)} real only, ${withSynthetic.mean.toFixed(3)} ± ${withSynthetic.sd.toFixed(3)} with synthetic`;
  return textTable(
    [
      'Done',
      `${formatNumberOf(result.rounds.length, 'round')} over ${formatNumberOf(result.sites.length, 'site')} in ${formatSeconds(result.seconds)}`,
    ],
    [
      ['Frechet distance', `${scores.before.fd.toPrecision(3)} -> ${scores.after.fd.toPrecision(3)}`],
      ['Kernel distance', `${scores.before.kid.toPrecision(3)} -> ${scores.after.kid.toPrecision(3)}`],
      ['Right slab', formatShare(result.slabShare)],
      ['Right scanner', formatShare(result.siteShare)],
      [`AUC, ${utility.rareClass}`, auc(utility)],
      ['Sent by the sites', formatBytes(result.bytesUp)],
      ['Release', `${release.version}, ${release.verified ? 'verified' : 'NOT verified'}, in ${release.path}`],
      ['Report', result.report],
      ['Samples', result.samples.png],
    ],
  );
}

/** Where everything is that `--keep` leaves running. */
export function keptText({ url, dataDirectory }: RunningCoordinator, processIds: readonly number[]): string {
  return [
    `Still running: the API at ${url}, its description at ${url}/docs.`,
    `The admin's API key is in ${dataDirectory}/secrets/admin-key; each site's key lies in its agent folder.`,
    `Stop everything with: kill ${processIds.join(' ')}`,
  ].join('\n');
}
