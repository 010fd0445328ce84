import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedHost } from '../../host.spec-support.js';
import { runCommandLine } from '../../run-command-line.js';

const TINY = '--image-size 8 --channels 8,8 --patients 4 --train-steps 2 --images 8'.split(' ');

describe('a sweep that is stopped and goes on', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sweep-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function sweep(...more: string[]): Promise<string> {
    const host = recordedHost({ cwd: directory });
    const only = '^(edm-edm-uniform|ddpm-sample-uniform) (ddim|heun)';
    const exitCode = await runCommandLine(
      ['bench', 'quality', '--out', 'out', ...TINY, '--sweep', 'fewest', '--only', only, ...more],
      host,
    );
    expect(`${exitCode} ${host.stderr.text}`).toMatch(/^0 /);
    return host.stdout.text;
  }

  const recordLines = async (): Promise<string[]> => {
    const text = await readFile(join(directory, 'out/records.ndjson'), 'utf8');
    return text.trim().split('\n');
  };

  it('begins nothing after its time, then makes what is missing and nothing twice', async () => {
    expect(await sweep('--minutes', '1e-9')).toContain('0 of 4 samplings scored');
    const references = await recordLines();
    expect(references).toHaveLength(3);

    expect(await sweep('--samplers', 'ddim')).toContain('2 of 2 samplings scored');
    const begun = await recordLines();
    expect(begun).toHaveLength(3 + 2 * 2);

    expect(await sweep()).toContain('4 of 4 samplings scored');
    const finished = await recordLines();
    expect(finished.slice(0, begun.length)).toEqual(begun);
    expect(finished).toHaveLength(begun.length + 2);
    expect(await readFile(join(directory, 'out/sweep.svg'), 'utf8')).toMatch(/>ddpm-sample-uniform<.*\n<\/svg>/s);
  }, 120_000);

  it('refuses a pattern that is none, a training that it does not have and a network that cannot be', async () => {
    for (const wrong of [
      ['--only', '('],
      ['--cases', 'edm'],
      ['--minutes', '0'],
      ['--channels', '4,4'],
    ]) {
      const host = recordedHost({ cwd: directory });
      expect(await runCommandLine(['bench', 'quality', '--out', 'refused', '--sweep', 'usual', ...wrong], host)).toBe(
        2,
      );
    }
  }, 120_000);
});
