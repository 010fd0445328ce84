import { createInterface } from 'node:readline';
import { z } from 'zod';
import { LightSite } from './light-site.js';
import { Tally } from './tally.js';

const orderSchema = z.object({
  url: z.url(),
  sites: z.array(z.object({ siteId: z.string(), token: z.string(), value: z.number() })).min(1),
});

/** Sites that enrol or connect at the same time. */
const AT_ONCE = 16;

/**
 * Light sites in one process. The order comes as the first line of standard input; after `enrolled` is answered, the line
 * `connect` connects them, and the end of the input ends them. Every answer is one JSON a line.
 */
async function serve(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    const next = await lines.next();
    return next.done === true ? undefined : next.value;
  };
  const order = orderSchema.parse(JSON.parse((await nextLine()) ?? ''));
  const tally = new Tally();
  const sites = order.sites.map(({ token, ...site }) => ({
    token,
    siteId: site.siteId,
    light: new LightSite({ ...site, url: order.url, tally }),
  }));
  const enrolled = await inParts(sites, async ({ siteId, token, light }) => ({
    siteId,
    fingerprint: await light.enrol(token),
  }));
  say({ type: 'enrolled', sites: enrolled });
  if ((await nextLine()) !== 'connect') return;
  const stopping = new AbortController();
  await inParts(sites, ({ light }) => light.start(stopping.signal));
  say({ type: 'connected' });
  while ((await nextLine()) !== undefined) {
    // Only the end of the input counts.
  }
  say({ type: 'tally', ...tally.facts() });
  stopping.abort();
}

async function inParts<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let begin = 0; begin < items.length; begin += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(begin, begin + AT_ONCE).map(work))));
  }
  return results;
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

await serve();
process.exit(0);
