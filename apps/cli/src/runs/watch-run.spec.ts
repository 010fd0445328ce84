import { describe, expect, it } from '@jest/globals';
import type { RunView } from '@tributary/protocol/http';
import { outputOf, type CommandContext, type GlobalOptions } from '../command-context.js';
import { recordedHost } from '../host.spec-support.js';
import { ApiClient } from '../http/api-client.js';
import { runViewOf } from './run-view.spec-support.js';
import { watchRun } from './watch-run.js';

const PROBLEM = { code: 'ROUND_QUORUM_NOT_MET', message: 'too few', remedy: 'wait', retryable: true };

/** A coordinator whose run has ended, and the streams of a command that asks it. */
function ended(run: RunView, format: GlobalOptions['format']) {
  const host = recordedHost();
  const event = {
    seq: 1,
    at: '2026-11-22T18:00:07Z',
    kind: 'run.state',
    round: null,
    siteId: null,
    detail: { state: run.state },
  };
  const fetch = (input: string | URL | Request) => {
    const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input);
    const events = searchParams.get('after') === '0' ? [event] : [];
    return Promise.resolve(Response.json(pathname.endsWith('/events') ? { state: run.state, events } : run));
  };
  const global = { format, quiet: false, color: false } as const;
  const api = new ApiClient({ url: 'http://coordinator', apiKey: 'k', fetch });
  const context: CommandContext = { host, global, output: outputOf(global, host), api: () => Promise.resolve(api) };
  return { context, stdout: host.stdout };
}

const input = { arguments: ['run-4f3a9c1d'], options: {} };

describe('run watch', () => {
  it('prints a line an event, and with json the run alone', async () => {
    const text = ended(runViewOf({ state: 'completed' }), 'text');
    await watchRun(text.context, input);
    expect(text.stdout.text).toBe('18:00:07 Run is completed\n');
    const json = ended(runViewOf({ state: 'completed' }), 'json');
    await watchRun(json.context, input);
    expect(JSON.parse(json.stdout.text)).toMatchObject({ id: 'run-4f3a9c1d', state: 'completed' });
  });

  it('leaves the one json document to the failure of a run that failed', async () => {
    const { context, stdout } = ended(runViewOf({ state: 'failed', problem: PROBLEM }), 'json');
    await expect(watchRun(context, input)).rejects.toMatchObject({ code: 'ROUND_QUORUM_NOT_MET' });
    expect(stdout.text).toBe('');
  });
});
