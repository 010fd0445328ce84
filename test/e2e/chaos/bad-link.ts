import { setTimeout as sleep } from 'node:timers/promises';
import type { RecipeInput } from '@tributary/protocol';
import { Consortium, tinyRecipe } from '../../support/consortium.js';
import { FaultyLink } from '../../support/faulty-link.js';
import { eventually } from '../../support/processes.js';

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
  /** `half-open`: neither end is told that the connection is gone. */
  readonly fault: 'drop' | 'half-open';
}

export interface BadLinkResult {
  readonly updateBytes: number;
  /** All that passed from the site to the coordinator meanwhile, headers and control messages included. */
  readonly sentBytes: number;
  readonly faults: number;
  readonly seconds: number;
}

/** One round whose first site sends its update over a slow link that breaks again and again. */
export async function uploadOverBadLink(options: BadLinkOptions): Promise<BadLinkResult> {
  const consortium = await Consortium.create(options.directory);
  const link = await FaultyLink.open(consortium.port);
  try {
    await consortium.open((site) => (site === SITE ? link.url : consortium.url));
    const runId = await consortium.createRun(largeRecipe(options.channels));
    if (!(await link.sees('POST /v1/uploads', TRAINED_WITHIN_MS))) throw new Error(`${SITE} sent no update`);
    return await disturbUpload({ consortium, link, runId }, options);
  } finally {
    await consortium.close();
    await link.close();
  }
}

async function disturbUpload(
  { consortium, link, runId }: { consortium: Consortium; link: FaultyLink; runId: string },
  { bytesPerSecond, faultEveryMs, fault }: BadLinkOptions,
): Promise<BadLinkResult> {
  const sentBefore = link.bytesUp;
  const startedMs = performance.now();
  link.limit(bytesPerSecond);
  const received = new AbortController();
  const faults = breakAgain({ link, fault, everyMs: faultEveryMs, signal: received.signal });
  const published = await eventually(
    'the round is published',
    async () => (await consortium.events(runId)).events.find(({ kind }) => kind === 'round.published'),
    UPLOADED_WITHIN_MS,
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const sentBytes = link.bytesUp - sentBefore;
  received.abort();
  // The sites' updates are alike: whole models in float32.
  const updateBytes = Number(published.detail['bytesUp']) / consortium.siteIds.length;
  return { updateBytes, sentBytes, faults: await faults, seconds };
}

/** @returns How often it broke the link. */
async function breakAgain(breaking: {
  link: FaultyLink;
  fault: BadLinkOptions['fault'];
  everyMs: number;
  signal: AbortSignal;
}): Promise<number> {
  const { link, fault, everyMs, signal } = breaking;
  for (let faults = 0; ; faults += 1) {
    const isOver = await sleep(everyMs, false, { signal }).catch(() => true);
    if (isOver) return faults;
    if (fault === 'drop') link.drop();
    else link.freeze();
  }
}

function largeRecipe([first, second]: BadLinkOptions['channels']): RecipeInput {
  const recipe = tinyRecipe({ rounds: { count: 1, localSteps: 1, batchSize: 1, deadlineSeconds: 3600 } });
  return { ...recipe, network: { kind: 'unet2d', blockOutChannels: [first, second], attention: [false, false] } };
}
