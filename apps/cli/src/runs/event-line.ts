import type { RunEvent } from '@tributary/protocol/http';
import { formatSeconds, formatTraffic } from '../output/quantities.js';

/** One event as a line for a person: `Round 7 aggregated: 4 of 5 sites, 38 s, loss 0.0312`. */
export function eventLine(event: RunEvent): string {
  const { detail } = event;
  const site = event.siteId ?? 'a site';
  switch (event.kind) {
    case 'run.state':
      return `Run is ${text(detail['state'])}${reason(detail)}`;
    case 'recipe.answered':
      return `${site} answered the recipe: ${text(detail['decision'])}${reason(detail)}`;
    case 'round.opened':
      return detail['kind'] === 'evaluate'
        ? 'Evaluation opened'
        : `Round ${event.round ?? '?'} opened${attempt(detail)}`;
    case 'round.published':
      return `Round ${event.round ?? '?'} aggregated: ${publishedFacts(detail)}`;
    case 'round.abandoned':
      return `Round ${event.round ?? '?'} abandoned${reason(detail)}`;
    case 'assignment.state':
      return `${site} in round ${event.round ?? '?'}: ${text(detail['state'])}${reason(detail)}`;
    case 'update.refused':
      return `Update of ${site} refused: ${text(detail['code'])}`;
    case 'evaluation.done':
      return 'Evaluation done';
    case 'release.created':
      return `Released ${text(detail['version'])}`;
  }
}

function publishedFacts(detail: RunEvent['detail']): string {
  const facts: string[] = [];
  const { answered, sites, seconds, loss, bytesUp, plainBytesUp, bytesDown, plainBytesDown } = detail;
  if (typeof answered === 'number') facts.push(`${answered}${typeof sites === 'number' ? ` of ${sites}` : ''} sites`);
  if (typeof seconds === 'number') facts.push(formatSeconds(seconds));
  if (typeof loss === 'number') facts.push(`loss ${loss.toFixed(4)}`);
  if (typeof bytesUp === 'number' && typeof plainBytesUp === 'number') {
    facts.push(`${formatTraffic(bytesUp, plainBytesUp)} sent`);
  }
  if (typeof bytesDown === 'number' && typeof plainBytesDown === 'number') {
    facts.push(`${formatTraffic(bytesDown, plainBytesDown)} fetched`);
  }
  return facts.join(', ');
}

function attempt({ attempt: number }: RunEvent['detail']): string {
  return typeof number === 'number' && number > 0 ? `, attempt ${number + 1}` : '';
}

function reason(detail: RunEvent['detail']): string {
  const said = detail['reason'] ?? detail['code'];
  return typeof said === 'string' ? ` (${said})` : '';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
