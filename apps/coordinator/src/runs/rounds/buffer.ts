import type { Recipe } from '@tributary/protocol';
import type { Assignment } from '../assignments/assignment.repository.js';
import { isOpen } from '../assignments/assignment.states.js';
import type { RoundWithAssignments } from './round.repository.js';

/** FedBuff's rules of a recipe. */
export type BufferRules = Extract<Recipe['strategy'], { kind: 'fedbuff' }>;

/**
 * The buffer of an asynchronous run: a round is the buffer that makes its version, its assignments are the updates in it and
 * those that are on their way. Null for runs whose sites wait for each other. Nguyen et al. 2022, algorithm 1.
 */
export function bufferOf({ strategy }: Recipe): BufferRules | null {
  return strategy.kind === 'fedbuff' ? strategy : null;
}

/** Versions that were published between an update's start and the round that counts it. */
export function stalenessOf(round: { readonly n: number }, { baseVersion }: Pick<Assignment, 'baseVersion'>): number {
  return round.n - 1 - baseVersion;
}

/** A site that may be offered the newest version, and how often it was offered it before. */
export interface IdleSite {
  readonly siteId: string;
  readonly offers: number;
}

/**
 * Sites that have nothing to do: they have sent what they made of the newest version, or nothing of it yet. Each sends
 * one update a version (the same weights, images and seed would give the same again); one that declined or failed is
 * asked again at the round's next attempt, one whose time ran out at once.
 */
export function idleSites(siteIds: readonly string[], round: RoundWithAssignments): IdleSite[] {
  return siteIds.flatMap((siteId) => {
    const own = round.assignments.filter((assignment) => assignment.siteId === siteId);
    const offers = own.filter(({ baseVersion }) => baseVersion === round.n - 1);
    const refusals = offers.filter(({ state }) => state !== 'expired').length;
    const isBusy = own.some(({ state }) => isOpen(state));
    const hasSent = offers.some(({ state }) => state === 'received');
    return isBusy || hasSent || refusals > round.attempt ? [] : [{ siteId, offers: offers.length }];
  });
}

/** Open assignments whose time is up. */
export function overdue({ assignments }: RoundWithAssignments, now: Date): Assignment[] {
  return assignments.filter(({ state, deadlineAt }) => isOpen(state) && deadlineAt <= now);
}
