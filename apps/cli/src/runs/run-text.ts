import type { AssignmentView, RunView } from '@tributary/protocol/http';
import { formatBytes, formatMoment, formatSeconds, formatTraffic } from '../output/quantities.js';
import { textTable } from '../output/table.js';

/** Stages whose progress is counted in bytes; the others count steps or images. */
const BYTE_STAGES: readonly string[] = ['downloading', 'uploading'];

/** What is running: the run, its round, every site's part, what is waited for and until when, what went wrong last. */
export function runText(run: RunView, now: Date): string {
  const sections = [
    textTable([run.id, stateText(run)], [...runRows(run, now), ...roundRows(run, now), ...resultRows(run)]),
  ];
  if (run.assignments.length > 0) {
    const rows = run.assignments.map((assignment) => siteRow(assignment, now));
    sections.push(textTable(['SITE', 'STAGE', 'FOR', 'PROGRESS', 'RATE', 'LAST ERROR'], rows));
  }
  return sections.join('\n\n');
}

function stateText({ state, pauseCause }: RunView): string {
  return pauseCause === null ? state : `${state} (${pauseCause})`;
}

function runRows(run: RunView, now: Date): string[][] {
  return [
    ['study', run.studyId],
    ['sites', run.sites.join(', ')],
    ['rounds', `${run.roundsDone} of ${run.rounds}`],
    ['recipe', run.recipeSha256],
    ['waiting for', run.waitingFor ?? 'nothing'],
    ...(run.waitingUntil === null ? [] : [['until', momentText(run.waitingUntil, now)]]),
    ['problem', run.problem === null ? 'none' : `${run.problem.code}: ${run.problem.message}`],
    ...(run.problem === null ? [] : [['remedy', run.problem.remedy]]),
  ];
}

function roundRows({ currentRound: round, waitingUntil }: RunView, now: Date): string[][] {
  if (round === null) return [];
  const attempt = round.attempt === 0 ? '' : `, attempt ${round.attempt + 1}`;
  const age = formatSeconds(round.seconds ?? secondsSince(round.openedAt, now));
  const isTold = round.deadlineAt === waitingUntil || round.closedAt !== null;
  return [
    ['round', `${round.n} (${round.kind}${attempt}): ${round.state}, ${age}, ${round.answered} answered`],
    ...(isTold ? [] : [['deadline', momentText(round.deadlineAt, now)]]),
    ...(round.answered === 0 ? [] : [['fetched', formatTraffic(round.bytesDown, round.plainBytesDown)]]),
  ];
}

/** `2026-11-22 19:00:00 UTC, in 50 min 0 s` */
function momentText(at: string, now: Date): string {
  const leftSeconds = (Date.parse(at) - now.getTime()) / 1000;
  const distance = leftSeconds >= 0 ? `in ${formatSeconds(leftSeconds)}` : `${formatSeconds(-leftSeconds)} ago`;
  return `${formatMoment(at)}, ${distance}`;
}

function resultRows({ release, evaluation }: RunView): string[][] {
  const distance =
    evaluation === null ? 'not measured' : `${evaluation.before.fd.toFixed(3)} -> ${evaluation.after.fd.toFixed(3)}`;
  return [
    ['release', release?.version ?? 'none'],
    ['Frechet distance', distance],
  ];
}

function siteRow(assignment: AssignmentView, now: Date): string[] {
  const { siteId, state, stage, stageSince, imagesPerSecond, problem } = assignment;
  const isWorking = state === 'accepted' || state === 'training' || state === 'uploading';
  return [
    siteId,
    isWorking ? (stage ?? state) : state,
    formatSeconds(secondsSince(stageSince, now)),
    isWorking ? progressText(assignment) : sentText(assignment),
    imagesPerSecond === null ? '' : `${imagesPerSecond.toFixed(1)} images/s`,
    problem?.code ?? '',
  ];
}

/** What a site has answered with, and what it was sent for it. */
function sentText({ bytes, bytesDown }: AssignmentView): string {
  return bytes === null ? '' : `${formatBytes(bytes)} sent, ${formatBytes(bytesDown)} fetched`;
}

function progressText({ stage, done, total }: AssignmentView): string {
  if (done === null || total === null || total === 0) return '';
  const inBytes = stage !== null && BYTE_STAGES.includes(stage);
  const amounts = inBytes ? [done, total].map(formatBytes) : [done, total].map(String);
  return `${amounts.join(' of ')} (${Math.floor((100 * done) / total)} %)`;
}

function secondsSince(at: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(at)) / 1000);
}
