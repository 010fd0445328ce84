import type { RunEvent } from '@tributary/protocol/http';

/** What one site sent in one round. */
export interface SiteContribution {
  readonly round: number;
  readonly siteId: string;
  readonly bytes: number;
  /** Null in the evaluation round. */
  readonly loss: number | null;
}

/** The contributions that a run's events tell of. */
export function contributionsIn(events: readonly RunEvent[]): SiteContribution[] {
  return events.flatMap(({ kind, round, siteId, detail }) => {
    const { loss, bytes } = detail;
    if (kind !== 'assignment.state' || round === null || siteId === null || typeof bytes !== 'number') return [];
    return [{ round, siteId, bytes, loss: typeof loss === 'number' ? loss : null }];
  });
}

/** Bytes that a site has sent over the whole run. */
export function bytesSentBy(siteId: string, contributions: readonly SiteContribution[]): number {
  return contributions.filter((each) => each.siteId === siteId).reduce((sum, { bytes }) => sum + bytes, 0);
}
