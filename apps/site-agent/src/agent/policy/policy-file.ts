import { parseOrThrow, policySchema, TributaryError, type Policy } from '@tributary/protocol';
import { parse } from 'yaml';
import { readIfPresent } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';

const DEFAULT_POLICY = `# This site's own rules. The coordinator cannot loosen them; docs/ref-site-configuration.md describes each.
version: 1
recipes:
  # ask: each recipe waits for \`tributary agent approve HASH\`; standing: recipes within the limits are approved by this file.
  approval: ask
  limits:
    maxRounds: 1000
    maxLocalSteps: 1000
    maxParameters: 100000000
    # Fewest images that an update is computed from: local steps times batch size.
    minImagesPerUpdate: 8
data:
  # Fewest patients with images that this site will train on.
  minPatients: 5
`;

/** @throws TributaryError POLICY_INVALID naming the fields that are wrong. */
export function parsePolicy(text: string): Policy {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    throw new TributaryError('POLICY_INVALID', { detail: 'not YAML' });
  }
  return parseOrThrow(policySchema, value, 'POLICY_INVALID');
}

/** Read again for every decision, so that an edit counts from the next one on. */
export async function loadPolicy(policyFile: string): Promise<Policy> {
  const text = await readIfPresent(policyFile);
  if (text === undefined) throw new TributaryError('POLICY_INVALID', { detail: 'policy.yaml is missing' });
  return parsePolicy(text);
}

/** Puts the careful default where the site has no policy yet. */
export async function ensurePolicy(policyFile: string): Promise<void> {
  if ((await readIfPresent(policyFile)) === undefined) await writeFileAtomically(policyFile, DEFAULT_POLICY);
}
