import { describe, expect, it } from '@jest/globals';
import type { RunEvent } from '@tributary/protocol/http';
import { gapsBetween, roundMomentsIn, siteMomentsIn } from './between-rounds.js';

const START = Date.parse('2026-11-22T12:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();

/** A line of an agent's log: the moments of one round, in milliseconds after the start. */
function line(round: number, ms: readonly [number, number, number, number, number, number]): string {
  const [offered, decided, downloaded, firstStep, lastStep, written] = ms.map(at);
  const moments = {
    offeredAt: offered,
    decidedAt: decided,
    downloadedAt: downloaded,
    firstStepAt: firstStep,
    lastStepAt: lastStep,
    writtenAt: written,
  };
  return JSON.stringify({ msg: 'assignment received', round, moments });
}

const event = (ms: number, round: number, part: Pick<RunEvent, 'kind' | 'detail'>): RunEvent => ({
  seq: ms,
  at: at(ms),
  round,
  siteId: null,
  ...part,
});
const answered = (ms: number, round: number): RunEvent =>
  event(ms, round, { kind: 'assignment.state', detail: { state: 'received' } });
const published = (ms: number, round: number): RunEvent =>
  event(ms, round, { kind: 'round.published', detail: { aggregateMs: 30 } });

describe('the time between the training of two rounds', () => {
  const siteA = [line(1, [0, 1, 2, 3, 90, 95]), 'no json', line(2, [260, 262, 270, 290, 390, 395])].join('\n');
  const siteB = [line(1, [0, 1, 2, 3, 100, 110]), line(2, [255, 258, 265, 280, 380, 385])].join('\n');
  const events = [answered(120, 1), answered(150, 1), published(200, 1), answered(400, 2), published(450, 2)];

  it('goes from the last answer, and the last step, of one to the first step of the next', () => {
    const gaps = gapsBetween(roundMomentsIn(events), [siteA, siteB].flatMap(siteMomentsIn));
    expect(gaps).toEqual([
      {
        writeMs: 10,
        sendMs: 40,
        closeMs: 20,
        aggregateMs: 30,
        offerMs: 55,
        decideMs: 3,
        downloadMs: 7,
        beginMs: 15,
        fixedCostMs: 130,
        betweenStepsMs: 180,
      },
    ]);
  });

  it('consists of its parts, without a rest', () => {
    const [gap] = gapsBetween(roundMomentsIn(events), [siteA, siteB].flatMap(siteMomentsIn));
    if (gap === undefined) throw new Error('no gap');
    const { fixedCostMs, betweenStepsMs, writeMs, sendMs, ...later } = gap;
    const sum = Object.values(later).reduce((total, ms) => total + ms, 0);
    expect(sum).toBe(fixedCostMs);
    expect(writeMs + sendMs + sum).toBe(betweenStepsMs);
  });

  it('is not told of a round that an agent began before it was started again', () => {
    const resumed = JSON.stringify({ msg: 'assignment received', round: 2, moments: { downloadedAt: at(270) } });
    expect(gapsBetween(roundMomentsIn(events), [siteA.split('\n')[0] ?? '', resumed].flatMap(siteMomentsIn))).toEqual(
      [],
    );
  });
});
