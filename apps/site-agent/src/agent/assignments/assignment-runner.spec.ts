import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { toProblem, TributaryError, type AssignmentOffer, type ErrorCode, type ReportFile } from '@tributary/protocol';
import type { Admission, AssignmentAdmission } from './assignment-admission.js';
import type { AssignmentDelivery } from './assignment-delivery.js';
import { AssignmentRunner } from './assignment-runner.js';
import { AssignmentStore } from './assignment-store.js';
import type { AssignmentWork } from './assignment-work.js';

const hash = 'ab'.repeat(32);
const offer: AssignmentOffer = {
  kind: 'train',
  assignmentId: 'run-12345678-r1-a0-site-a',
  runId: 'run-12345678',
  recipeSha256: hash,
  round: 1,
  attempt: 0,
  countedRound: 0,
  deadlineAt: '2026-11-22T12:00:00.000Z',
  sites: ['site-a'],
  weights: { sha256: hash, sizeBytes: 10 },
};
const engine = { name: 'onnx', device: 'cpu', threads: 1 };
const report: ReportFile = {
  sha256: hash,
  sizeBytes: 10,
  report: { kind: 'train', images: 8, steps: 2, loss: 1, trainSeconds: 1, imagesPerSecond: 8, engine },
};
const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }));

/** The parts around a runner: each notes that it was called, and does what the test says. */
class Stage {
  readonly calls: string[] = [];
  readonly answers: Partial<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {};
  decision: Admission = { offer, state: 'accepted' };

  readonly admission: Pick<AssignmentAdmission, 'decide' | 'accept' | 'decline'> = {
    decide: async (_, signal) => {
      await this.act('decide', signal);
      return this.decision;
    },
    accept: (_, signal) => this.act('accept', signal),
    decline: (admission, signal) => this.act(`decline ${admission.problem?.code ?? ''}`, signal),
  };
  readonly work: Pick<AssignmentWork, 'prefetch' | 'perform' | 'endRun' | 'stop'> = {
    prefetch: () => this.act('prefetch', new AbortController().signal),
    perform: async (_, signal) => {
      await this.act('work', signal);
      return { report, moments: {} };
    },
    endRun: () => this.act('endRun', new AbortController().signal),
    stop: () => Promise.resolve(),
  };
  readonly delivery: Pick<AssignmentDelivery, 'deliver' | 'fail'> = {
    deliver: (_, __, { resume, signal }) => this.act(`deliver${resume ? ' resume' : ''}`, signal),
    fail: (_, problem, signal) => this.act(`fail ${problem.code}`, signal),
  };

  private async act(name: string, signal: AbortSignal): Promise<void> {
    this.calls.push(name);
    await this.answers[name]?.(signal);
  }
}

describe('AssignmentRunner', () => {
  let folder: string;
  let stage: Stage;
  let stopping: AbortController;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runner-'));
    stage = new Stage();
    stopping = new AbortController();
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** As a process that has just started has it: nothing remembered but what is on the disk. */
  function newRunner(): AssignmentRunner {
    const { admission, work, delivery } = stage;
    return new AssignmentRunner(
      new AssignmentStore(folder),
      admission as AssignmentAdmission,
      work as AssignmentWork,
      delivery as AssignmentDelivery,
    );
  }
  const state = async (): Promise<string | undefined> => (await new AssignmentStore(folder).find(offer))?.state;
  const failWith = (code: ErrorCode) => () => Promise.reject(new TributaryError(code));

  it('decides, keeps the decision, and only then tells it and works', async () => {
    stage.answers['accept'] = async () => expect(await state()).toBe('accepted');
    await newRunner().take(offer, stopping.signal);
    expect(stage.calls).toEqual(['prefetch', 'decide', 'accept', 'work', 'deliver']);
    expect(await state()).toBe('received');
  });

  it('keeps a decline before it tells it, and tells it again when asked again', async () => {
    stage.decision = { offer, state: 'declined', problem: toProblem(new TributaryError('POLICY_DECLINED')) };
    await newRunner().take(offer, stopping.signal);
    await newRunner().take(offer, stopping.signal);
    expect(stage.calls).toEqual(['prefetch', 'decide', 'decline POLICY_DECLINED', 'decline POLICY_DECLINED']);
    expect(await state()).toBe('declined');
  });

  it('goes on after a crash without deciding again, and resumes what may have been sent', async () => {
    await new AssignmentStore(folder).save({ offer, state: 'accepted' });
    await newRunner().take(offer, stopping.signal);
    expect(stage.calls).toEqual(['accept', 'work', 'deliver resume']);
  });

  it('does not take the same offer twice at a time', async () => {
    const runner = newRunner();
    await Promise.all([runner.take(offer, stopping.signal), runner.take(offer, stopping.signal)]);
    expect(stage.calls.filter((call) => call === 'work')).toHaveLength(1);
  });

  it('leaves the assignment as it is when the agent stops', async () => {
    stage.answers['work'] = forever;
    const taken = newRunner().take(offer, stopping.signal);
    while (!stage.calls.includes('work')) await new Promise(setImmediate);
    stopping.abort();
    await taken;
    expect(await state()).toBe('accepted');
    expect(stage.calls).not.toContain('fail INTERRUPTED');
  });

  it('stops working on an assignment that is withdrawn', async () => {
    stage.answers['work'] = forever;
    const runner = newRunner();
    const taken = runner.take(offer, stopping.signal);
    while (!stage.calls.includes('work')) await new Promise(setImmediate);
    runner.withdraw(offer.assignmentId);
    await taken;
    expect(await state()).toBe('closed');
    expect(stage.calls).not.toContain('deliver');
  });

  it('stops working when the coordinator refuses the answer', async () => {
    stage.answers['accept'] = failWith('ASSIGNMENT_CLOSED');
    stage.answers['work'] = forever;
    await newRunner().take(offer, stopping.signal);
    expect(await state()).toBe('closed');
  });

  it.each(['TRAIN_NOT_FINITE', 'TRAINER_DIED'] as const)('keeps and tells a failure: %s', async (code) => {
    stage.answers['work'] = failWith(code);
    await newRunner().take(offer, stopping.signal);
    expect(await state()).toBe('failed');
    expect(stage.calls.at(-1)).toBe(`fail ${code}`);
  });

  it('tells of a fault of its own program only that there was one', async () => {
    stage.answers['work'] = () => Promise.reject(new RangeError('/data/miller/IM1.dcm'));
    await newRunner().take(offer, stopping.signal);
    expect(stage.calls.at(-1)).toBe('fail INTERNAL');
    expect(JSON.stringify(await new AssignmentStore(folder).find(offer))).not.toContain('miller');
  });

  it('stops the work of a run that has ended', async () => {
    stage.answers['work'] = forever;
    const runner = newRunner();
    const taken = runner.take(offer, stopping.signal);
    while (!stage.calls.includes('work')) await new Promise(setImmediate);
    await runner.endRun(offer.runId);
    await taken;
    expect(stage.calls).toContain('endRun');
    expect(await state()).toBe('closed');
  });
});
