import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { recordedHost } from './host.spec-support.js';
import { runCommandLine } from './run-command-line.js';

const failureSchema = z.object({
  error: z.object({ code: z.string(), remedy: z.string(), fields: z.array(z.object({ path: z.string() })).optional() }),
});

async function fail(...args: string[]) {
  const host = recordedHost();
  const exitCode = await runCommandLine(['--format', 'json', ...args], host);
  return { exitCode, ...failureSchema.parse(JSON.parse(host.stdout.text)).error, stderr: host.stderr.text };
}

describe('the command line', () => {
  it.each([
    [['demo', '--sites', 'many'], '--sites'],
    [['demo', '--sites', '0'], '--sites'],
    [['demo', '--rounds', '2.5'], '--rounds'],
    [['demo', '--seed', '-1'], '--seed'],
    [['bench', 'engine', '--threads', '0'], '--threads'],
  ])('refuses %j with exit code 2 and names the flag', async (args, flag) => {
    const failure = await fail(...args);
    expect(failure).toMatchObject({ exitCode: 2, code: 'USAGE_INVALID', fields: [{ path: flag }] });
  });

  it.each([
    [['demo', '--nope']],
    [['demo', '--profile', 'slow']],
    [['frob']],
    [['run', 'show']],
    [['site', 'approve', 'x']],
  ])('refuses %j with exit code 2', async (args) => {
    expect(await fail(...args)).toMatchObject({ exitCode: 2, code: 'USAGE_INVALID' });
  });

  it.each([[[]], [['run']], [['model']]])('answers %j with its verbs and exit code 2', async (args: string[]) => {
    const { stderr, ...failure } = await fail(...args);
    expect(failure).toMatchObject({ exitCode: 2, code: 'USAGE_INVALID' });
    expect(stderr).toContain('Commands:');
    expect(stderr).toContain('a verb is missing');
  });

  it('names the flags of every verb in the help of each', async () => {
    const host = recordedHost();
    await runCommandLine(['run', 'list', '--help'], host);
    expect(host.stdout.text).toContain('--format <format>');
  });

  it.each(['ftp://coordinator', 'coordinator:7420', 'nowhere'])('refuses %s as an address', async (url) => {
    const failure = await fail('run', 'list', '--url', url, '--api-key', 'x');
    expect(failure).toMatchObject({ exitCode: 2, fields: [{ path: '--url' }] });
  });

  it('says an example of a time for --approve-by', async () => {
    const failure = await fail('run', 'create', '-f', 'x', '--study', 's', '--approve-by', 'tomorrow');
    expect(failure).toMatchObject({ exitCode: 2, fields: [{ path: '--approve-by' }] });
    expect(failure.stderr).toContain('2026-12-01T08:00:00Z');
  });

  it('asks for credentials with exit code 4', async () => {
    expect(await fail('run', 'list', '--url', 'http://127.0.0.1:1')).toMatchObject({
      exitCode: 4,
      code: 'AUTH_MISSING',
    });
  });

  it('ends with exit code 2 where no coordinator is named', async () => {
    expect(await fail('run', 'list', '--api-key', 'x')).toMatchObject({ exitCode: 2, fields: [{ path: '--url' }] });
  });

  it('says in words what is wrong and what to do, without a stack', async () => {
    const { stderr, remedy } = await fail(
      'model',
      'show',
      'not/a/model',
      '--url',
      'http://127.0.0.1:1',
      '--api-key',
      'x',
    );
    expect(stderr).toContain(remedy);
    expect(stderr).toContain('run-4f3a9c1d');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('says each wrong field once, with the setting that is wrong', async () => {
    const flags = ['--model', 'x', '--out', 'y', '--settings', 'eta=much', '--steps', '0'];
    const { stderr } = await fail('generate', ...flags);
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      'USAGE_INVALID: the command cannot be understood',
      '  --steps: a whole number from 1 to 10000',
      expect.stringMatching(/^ {2}--settings eta: .*number/),
    ]);
  });

  it('prints nothing but the help for --help and ends with 0', async () => {
    const host = recordedHost();
    expect(await runCommandLine(['demo', '--help'], host)).toBe(0);
    expect(host.stdout.text).toContain('Example:');
    expect(host.stderr.text).toBe('');
  });
});
