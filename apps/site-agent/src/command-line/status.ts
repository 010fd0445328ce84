import { AssignmentStore } from '../agent/assignments/assignment-store.js';
import { Ledger } from '../agent/assignments/ledger.js';
import { lockHolder } from '../agent/config/directory-lock.js';
import { requireSiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { connectionSchema } from '../agent/coordinator-client/connection-status.js';
import { loadApprovals } from '../agent/policy/approvals.js';
import { loadPolicy } from '../agent/policy/policy-file.js';
import { ProposalStore } from '../agent/policy/proposal-store.js';
import { isErrorCode, TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { readJson } from '../durable-files/read-json.js';
import { textTable, type CommandOutput } from './output.js';

/** What this site is and does, from its durable state alone: works with the agent running or not. */
export async function status(paths: SitePaths, output: CommandOutput): Promise<void> {
  const { siteId, studyId, url, fingerprint } = await requireSiteConfig(paths);
  const pid = (await lockHolder(paths.lockFile)) ?? null;
  const connection = await readJson(paths.connectionFile, connectionSchema, 'CONFIG_INVALID');
  const state = pid === null ? 'stopped' : (connection?.state ?? 'waiting');
  const waitingFor = pid === null ? null : (connection?.code ?? null);
  const runs = await runStates(new AssignmentStore(paths.runs));
  const proposals = await openProposals(paths);
  const sent = (await new Ledger(paths.ledgerFile).entries()).length;
  const document = { siteId, studyId, url, fingerprint, state, waitingFor, pid, proposals, runs, sent };
  output.document(document, () => {
    const rows = runs.map((run) => [run.runId, String(run.round), run.kind, run.state, run.reason ?? '']);
    return [
      `${siteId} of study ${studyId} at ${url}: ${state}`,
      ...(waitingFor === null ? [] : [waitingText(waitingFor)]),
      `Fingerprint ${fingerprint}; ${sent} results sent`,
      ...proposals.map(proposalText),
      ...(rows.length === 0 ? [] : [textTable(['RUN', 'ROUND', 'KIND', 'STATE', 'REASON'], rows)]),
    ].join('\n');
  });
}

/** The newest assignment of each run. */
async function runStates(store: AssignmentStore) {
  const runs = await Promise.all((await store.runIds()).map((runId) => store.list(runId)));
  return runs.flatMap((records) => {
    const newest = records.at(-1);
    if (newest === undefined) return [];
    const { runId, round, kind, assignmentId } = newest.offer;
    const { code = null, message: reason = null } = newest.problem ?? {};
    return [{ runId, round, kind, assignmentId, state: newest.state, code, reason }];
  });
}

/** What is shown of a proposed recipe, of whatever version it is. */
const shownSchema = z.object({
  name: z.string().catch('unnamed'),
  rounds: z
    .object({ count: z.int().nullable().catch(null), localSteps: z.int().nullable().catch(null) })
    .catch({ count: null, localSteps: null }),
});

/** What is waited for, in the words of the catalogue. */
function waitingText(code: string): string {
  if (!isErrorCode(code)) return code;
  const { message, spec } = new TributaryError(code);
  return `${code}: ${message}. ${spec.remedy}`;
}

type Proposal = Awaited<ReturnType<typeof openProposals>>[number];

function proposalText({ recipeSha256, name, rounds, localSteps }: Proposal): string {
  const work = rounds === null || localSteps === null ? '' : `, ${rounds} rounds of ${localSteps} steps`;
  return `Waits for approval: ${recipeSha256} (${name}${work}); the recipe lies in proposals/`;
}

/** Recipes that a person has to decide about. */
async function openProposals(paths: SitePaths) {
  if ((await loadPolicy(paths.policyFile)).recipes.approval === 'standing') return [];
  const approved = new Set((await loadApprovals(paths.approvalsFile)).map(({ recipeSha256 }) => recipeSha256));
  const proposals = await new ProposalStore(paths.proposals).list();
  return proposals
    .filter(({ recipeSha256 }) => !approved.has(recipeSha256))
    .map(({ runId, recipeSha256, recipe }) => {
      const { name, rounds } = shownSchema.parse(recipe);
      return { runId, recipeSha256, name, rounds: rounds.count, localSteps: rounds.localSteps };
    });
}
