import { requireSiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { addApproval, resolveHash } from '../agent/policy/approvals.js';
import { ProposalStore } from '../agent/policy/proposal-store.js';
import type { CommandOutput } from './output.js';

/**
 * Approves one proposed recipe for this site; a running agent notices within a second or two.
 *
 * @param typed The recipe's SHA-256, or its first 8 digits or more.
 * @throws TributaryError NOT_FOUND when no proposed recipe has this hash.
 */
export async function approve(paths: SitePaths, typed: string, output: CommandOutput): Promise<void> {
  const { siteId } = await requireSiteConfig(paths);
  const proposals = await new ProposalStore(paths.proposals).list();
  const recipeSha256 = resolveHash(
    typed.toLowerCase(),
    proposals.map((proposal) => proposal.recipeSha256),
  );
  await addApproval(paths.approvalsFile, recipeSha256, new Date());
  output.document({ siteId, recipeSha256, state: 'approved' }, () => `Approved for ${siteId}: ${recipeSha256}`);
}
