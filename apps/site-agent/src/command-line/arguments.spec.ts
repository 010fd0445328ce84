import { describe, expect, it } from '@jest/globals';
import { formatOf, parseCommandLine } from './arguments.js';

describe('parseCommandLine', () => {
  it('reads a verb, its flags and its arguments in any order', () => {
    const words = ['--threads', '4', 'approve', '--data-dir', '/site', 'abcdef012', '--format', 'json'];
    expect(parseCommandLine(words)).toMatchObject({
      verb: 'approve',
      flags: { 'data-dir': '/site', threads: 4, format: 'json' },
      rest: ['abcdef012'],
    });
  });

  it.each(['https://x.example', 'https://x.example/', 'http://127.0.0.1:7420', 'http://[::1]:7420/'])(
    'takes %s',
    (url) => {
      expect(parseCommandLine(['enroll', '--data-dir', 'd', '--url', url])).toMatchObject({ flags: { url } });
    },
  );

  it.each([[[]], [['--help']], [['start', '-h']]])('answers %j with help', (words) => {
    expect(parseCommandLine(words)).toBe('help');
  });

  it.each([
    [['dance', '--data-dir', 'd'], 'dance; expected one of enroll'],
    [['start'], '--data-dir'],
    [['start', '--data-dir', 'd', 'extra'], 'start takes 0 arguments'],
    [['approve', '--data-dir', 'd'], 'approve takes 1 argument: HASH'],
    [['enroll', '--data-dir', 'd', '--url', 'ftp://x'], '--url: an http or https address'],
    [['enroll', '--data-dir', 'd', '--url', 'https://x.example/hospital'], '--url: an address without a path'],
    [['enroll', '--data-dir', 'd', '--url', 'https://x.example/?a=b'], '--url: an address without a path'],
    [['enroll', '--data-dir', 'd', '--url', 'https://me:secret@x.example'], '--url: an address without a path'],
    [['enroll', '--data-dir', 'd', '--threads', 'many'], '--threads: a whole number'],
    [['enroll', '--data-dir', 'd', '--threads', '1.5'], '--threads: a whole number'],
    [['enroll', '--data-dir', 'd', '--engine', 'magic'], '--engine'],
    [['enroll', '--data-dir', 'd', '--precision', 'bfloat16'], 'no bfloat16 arithmetic'],
    [['start', '--data-dir', 'd', '--sped', '3'], '--sped'],
  ])('refuses %j and names what is wrong', (words, fault) => {
    expect(() => parseCommandLine(words)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID', message: expect.stringContaining(fault) }),
    );
  });
});

describe('formatOf', () => {
  it('finds the format in words that cannot be parsed', () => {
    expect(formatOf(['dance', '--format', 'json'])).toBe('json');
    expect(formatOf(['--format=ndjson', '--nonsense'])).toBe('json');
    expect(formatOf(['json', '--nonsense'])).toBe('text');
  });
});
