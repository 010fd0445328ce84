import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertRecipeHash, recordedRecipeSchema, runIdSchema } from '@tributary/protocol';
import { z } from 'zod';
import { readJson } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';

const proposalSchema = z.object({
  ...recordedRecipeSchema.shape,
  runId: runIdSchema,
  receivedAt: z.iso.datetime(),
});
export type Proposal = z.infer<typeof proposalSchema>;

/** The recipes that were proposed to this site, as they were recorded, by their hash: what a person reads before approving. */
export class ProposalStore {
  private readonly cache = new Map<string, Proposal>();

  constructor(private readonly directory: string) {}

  /** @throws TributaryError RECIPE_INVALID when the recipe is not the one that the hash names. */
  async save(proposal: Proposal): Promise<void> {
    assertRecipeHash(proposal);
    await mkdir(this.directory, { recursive: true });
    await writeFileAtomically(this.file(proposal.recipeSha256), `${JSON.stringify(proposal, undefined, 2)}\n`);
  }

  async find(recipeSha256: string): Promise<Proposal | undefined> {
    const cached = this.cache.get(recipeSha256);
    if (cached !== undefined) return cached;
    const proposal = await readJson(this.file(recipeSha256), proposalSchema, 'CONFIG_INVALID');
    if (proposal !== undefined) this.cache.set(recipeSha256, proposal);
    return proposal;
  }

  async list(): Promise<Proposal[]> {
    const names = await readdir(this.directory).catch(() => []);
    const hashes = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const proposals = await Promise.all(hashes.sort().map((hash) => this.find(hash)));
    return proposals.filter((proposal) => proposal !== undefined);
  }

  private file(recipeSha256: string): string {
    return join(this.directory, `${recipeSha256}.json`);
  }
}
