import { setTimeout as sleep } from 'node:timers/promises';
import type { RecipeInput } from '@tributary/protocol';
import { Consortium } from '../../support/consortium.js';
import { tinyRecipe } from '../../support/tiny-recipe.js';
import { FaultyLink } from '../../support/faulty-link.js';
import { eventually } from '../../support/processes.js';
import { SiteNetwork } from '../../support/site-network.js';

const SITE = 'site-a';
const TRAINED_WITHIN_MS = 300_000;
const UPLOADED_WITHIN_MS = 900_000;

export interface BadLinkOptions {
  /** An empty folder. */
  readonly directory: string;
  /** Channels of the network's two levels: what makes the update large. */
  readonly channels: readonly [number, number];
  readonly bytesPerSecond: number;
  readonly faultEveryMs: number;
  /** `half-open`: the site gets another address, and neither end is told that its connections are gone. */
  readonly fault: 'drop' | 'half-open';
}

export interface BadLinkResult {
  readonly updateBytes: number;
  /** All that the site sent over the link, from its enrolment on: what a fault swallowed, headers and control messages included. */
  readonly sentBytes: number;
  readonly faults: number;
  readonly seconds: number;
}

interface BadLink {
  readonly link: FaultyLink;
  /** Where the site is, when it is in a network of its own. */
  readonly network: SiteNetwork | undefined;
}

/**
 * One round whose first site sends its update over a slow link that breaks again and again.
 *
 * @param program Toxiproxy's server.
 * @throws Error when `half-open` is asked for and this machine lets no network namespace be made.
 */
export async function uploadOverBadLink(program: string, options: BadLinkOptions): Promise<BadLinkResult> {
  const network = options.fault === 'half-open' ? await ownNetwork() : undefined;
  const within = (site: string): readonly string[] => (site === SITE && network !== undefined ? network.command : []);
  const consortium = await Consortium.create(options.directory, { within });
  const link = await FaultyLink.open(program, { targetPort: consortium.port, host: network?.host });
  try {
    await consortium.open((site) => (site === SITE ? link.url : consortium.url));
    // Before the upload begins: much would have passed by the time that the proxy knows.
    await link.add({ type: 'bandwidth', attributes: { rate: options.bytesPerSecond / 1000 } }, ['upstream']);
    const runId = await consortium.createRun(largeRecipe(options.channels));
    if (!(await consortium.uploadBegins(SITE, TRAINED_WITHIN_MS))) throw new Error(`${SITE} sent no update`);
    return await disturbUpload({ consortium, runId, bad: { link, network } }, options);
  } finally {
    await consortium.close();
    await link.close();
    network?.close();
  }
}

function ownNetwork(): Promise<SiteNetwork> {
  if (!SiteNetwork.isPossible()) throw new Error('half-open connections need a network namespace');
  return SiteNetwork.create(0);
}

async function disturbUpload(
  { consortium, runId, bad }: { consortium: Consortium; runId: string; bad: BadLink },
  { faultEveryMs, fault }: BadLinkOptions,
): Promise<BadLinkResult> {
  const startedMs = performance.now();
  const received = new AbortController();
  const faults = breakAgain({ bad, fault, everyMs: faultEveryMs, signal: received.signal });
  const published = await eventually(
    'the round is published',
    async () => (await consortium.events(runId)).events.find(({ kind }) => kind === 'round.published'),
    UPLOADED_WITHIN_MS,
  );
  const seconds = (performance.now() - startedMs) / 1000;
  received.abort();
  const broken = await faults;
  const sentBytes = await bad.link.sentBytes();
  // The sites' updates are alike: whole models in float32.
  const updateBytes = Number(published.detail['bytesUp']) / consortium.siteIds.length;
  return { updateBytes, sentBytes, faults: broken, seconds };
}

/** @returns How often it broke the link. */
async function breakAgain(breaking: {
  bad: BadLink;
  fault: BadLinkOptions['fault'];
  everyMs: number;
  signal: AbortSignal;
}): Promise<number> {
  const { bad, fault, everyMs, signal } = breaking;
  for (let faults = 0; ; faults += 1) {
    const isOver = await sleep(everyMs, false, { signal }).catch(() => true);
    if (isOver) return faults;
    if (fault === 'drop') await bad.link.drop();
    else await bad.network?.changeAddress();
  }
}

function largeRecipe([first, second]: BadLinkOptions['channels']): RecipeInput {
  const recipe = tinyRecipe({ rounds: { count: 1, localSteps: 1, batchSize: 1, deadlineSeconds: 3600 } });
  return { ...recipe, network: { kind: 'unet2d', blockOutChannels: [first, second], attention: [false, false] } };
}
