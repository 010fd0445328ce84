import type { Lineage } from '@tributary/protocol/http';
import { formatNumberOf } from '../../output/quantities.js';

/** `MODEL_CARD.md` of a release, made from its lineage alone. */
export function modelCard(lineage: Lineage): string {
  const { evaluation, sites } = lineage;
  const images = sites.reduce((sum, site) => sum + site.images, 0);
  const isTrained = lineage.rounds.length > 0;
  const origin = isTrained
    ? `trained across ${formatNumberOf(sites.length, 'site')} of study \`${lineage.studyId}\` over ${lineage.rounds.length} federated rounds.\nImages never left their sites`
    : `evaluated by ${formatNumberOf(sites.length, 'site')} of study \`${lineage.studyId}\`; its weights are those that the recipe names (\`startFrom\`)`;
  const scores =
    evaluation === null
      ? 'This release was not evaluated.'
      : [
          '| measure | before training | after |',
          '|---|---|---|',
          `| Frechet distance (fixed-seed features) | ${evaluation.before.fd.toPrecision(3)} | ${evaluation.after.fd.toPrecision(3)} |`,
          `| kernel distance | ${evaluation.before.kid.toPrecision(3)} | ${evaluation.after.kid.toPrecision(3)} |`,
          '',
          `Measured on ${evaluation.syntheticImages} generated and ${evaluation.heldOutImages} real held-out images, pooled as sums over features.`,
        ].join('\n');
  return `# ${lineage.version}

A class-conditional diffusion generator, ${origin}.

## Data

${sites.map((site) => `- \`${site.siteId}\`${isTrained ? `: ${site.images} training images` : ''}`).join('\n')}${isTrained ? `\n- together: ${images}` : ''}

## Classes

${lineage.classes.map((name) => `- ${name}`).join('\n')}

## Scores

${scores}

## Use and limits

Made for research on synthetic images, above all of classes that single sites are short of. Not a medical device; generated images show
no patient and must not be used for diagnosis. No formal privacy guarantee is made unless the recipe's \`privacy\` says so.

## Where it comes from

- recipe SHA-256: \`${lineage.recipeSha256}\`
- weights (EMA) SHA-256: \`${lineage.emaSha256}\`
- made: ${lineage.createdAt}
- \`lineage.json\` names every update by its hash; \`signature.json\` signs it. Check both with \`tributary model verify\`.
`;
}
