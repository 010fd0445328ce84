import { describe, expect, it } from '@jest/globals';
import { recordedOutput } from '../host.spec-support.js';
import { LiveBlock } from './live-block.js';
import { Progress } from './progress.js';
import { formatBytes, formatMoment, formatResidual, formatSeconds, formatShare } from './quantities.js';
import { textTable } from './table.js';

describe('Output', () => {
  it('puts exactly one document on stdout with json and everything else on stderr', () => {
    const { output, stdout, stderr } = recordedOutput('json');
    output.note('working');
    output.streamed({ n: 1 }, 'one');
    output.document({ done: true }, 'done');
    expect(JSON.parse(stdout.text)).toEqual({ done: true });
    expect(stderr.text).toBe('working\n');
  });

  it.each([
    [[], 'GONE: it went: far away\nCall it.\n'],
    [[{ path: 'a.b', expected: 'a number' }], 'GONE: it went: far away\n  a.b: a number\nCall it.\n'],
  ])('says what happened, each of the fields %j, and what to do', (fields, text) => {
    const { output, stderr } = recordedOutput('text');
    output.failure({ code: 'GONE', message: 'it went: far away', remedy: 'Call it.', retryable: false, fields });
    expect(stderr.text).toBe(text);
  });

  it('says fields once that the message names too', () => {
    const { output, stderr } = recordedOutput('text');
    const fields = [{ path: 'a', expected: 'a number' }];
    output.failure({ code: 'BAD', message: 'it is bad: a: a number', remedy: 'Mend it.', retryable: false, fields });
    expect(stderr.text).toBe('BAD: it is bad\n  a: a number\nMend it.\n');
  });

  it('prints one line an item with ndjson', () => {
    const { output, stdout } = recordedOutput('ndjson');
    output.list([{ n: 1 }, { n: 2 }], 'table');
    expect(stdout.text).toBe('{"n":1}\n{"n":2}\n');
  });
});

describe('LiveBlock', () => {
  it('goes up over its own lines before it draws them again on a terminal', () => {
    const { output, stderr } = recordedOutput('text', { isTTY: true });
    const block = new LiveBlock(output);
    block.update(['a', 'b'], 'm');
    stderr.text = '';
    block.update(['c'], 'm');
    expect(stderr.text).toBe('\u001b[2A\u001b[0J\u001b[2Kc\n');
  });

  it('cuts lines that would wrap', () => {
    const { output, stderr } = recordedOutput('text', { isTTY: true });
    new LiveBlock(output).update(['x'.repeat(200)], 'm');
    expect(stderr.text).toContain(`${'x'.repeat(78)}…\n`);
    expect(stderr.text).not.toContain('x'.repeat(79));
  });

  it('prints a milestone at once, then at most every four seconds, elsewhere', () => {
    let nowMs = 0;
    const { output, stderr } = recordedOutput('text');
    const block = new LiveBlock(output, () => nowMs);
    for (; nowMs <= 9000; nowMs += 500) block.update(['drawn'], `at ${nowMs}`);
    block.finish(['drawn'], 'end');
    expect(stderr.text).toBe('at 0\nat 4000\nat 8000\nend\n');
  });
});

describe('Progress', () => {
  it('tells rate and time left', () => {
    let nowMs = 0;
    const { output, stderr } = recordedOutput('text');
    const progress = new Progress(output, { label: 'Reading', total: 300, unit: 'images', nowMs: () => nowMs });
    nowMs = 5000;
    progress.update(100);
    expect(stderr.text).toBe('Reading: 100 of 300 images · 20 images/s, 10 s left\n');
  });

  it.each([
    [100, '░'.repeat(24)],
    [76, '░'.repeat(12)],
    [64, ''],
  ])('gives the rate and the time left room before the bar in %d columns', (columns, cells) => {
    let nowMs = 0;
    const { output, stderr } = recordedOutput('text', { isTTY: true, columns });
    const progress = new Progress(output, { label: 'Generating', total: 2000, unit: 'images', nowMs: () => nowMs });
    nowMs = 5000;
    progress.update(16);
    const line = `${cells}${cells === '' ? '' : ' '}Generating: 16 of 2000 images · 3.2 images/s, 10 min 20 s left`;
    expect(stderr.text).toContain(`\u001b[2K${line}\n`);
  });

  it('leaves out what is going on before the rate in a narrow terminal', () => {
    let nowMs = 0;
    const { output, stderr } = recordedOutput('text', { isTTY: true, columns: 60 });
    const progress = new Progress(output, { label: 'Generating', total: 200, unit: 'images', nowMs: () => nowMs });
    nowMs = 5000;
    progress.updateWithin(16, { share: 0.08, detail: 'step 3 of 12' });
    expect(stderr.text).toContain('\u001b[2KGenerating: 16 of 200 images · 3.2 images/s, 58 s left\n');
  });

  it('tells how far the ones under way are', () => {
    let nowMs = 0;
    const { output, stderr } = recordedOutput('text');
    const progress = new Progress(output, { label: 'Generating', total: 64, unit: 'images', nowMs: () => nowMs });
    nowMs = 100_000;
    progress.updateWithin(0, { share: 1 / 32, detail: 'step 3 of 12' });
    nowMs = 200_000;
    progress.finish();
    expect(stderr.text).toBe(
      'Generating: 0 of 64 images, step 3 of 12 · 0.020 images/s, 51 min 40 s left\n' +
        'Generating: 64 of 64 images · 0.32 images/s\n',
    );
  });
});

describe('quantities and tables', () => {
  it.each([
    [999, '999 B'],
    [4_300_000, '4.3 MB'],
    [312_000_000, '312 MB'],
    [2.5e12, '2.5 TB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.44, '0.4 s'],
    [38.2, '38 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [0.834, '83 %'],
    [0.0047, '0.5 %'],
    [0, '0 %'],
    [null, 'not measured'],
  ])('writes the share %d as %s', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  it('writes moments to the second, and residuals without the digits of rounding', () => {
    expect(formatMoment('2026-11-22T19:00:00.968Z')).toBe('2026-11-22 19:00:00 UTC');
    expect([3e-16, 0.0123, 0.2].map(formatResidual)).toEqual(['less than 0.01 %', '1.2 %', '20 %']);
  });

  it('makes columns as wide as their longest cell and leaves no trailing blanks', () => {
    expect(
      textTable(
        ['A', 'B'],
        [
          ['long', 'x'],
          ['y', ''],
        ],
      ),
    ).toBe('A     B\nlong  x\ny');
  });
});
