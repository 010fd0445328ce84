import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { recordedHost } from './host.spec-support.js';
import { buildProgram } from './program.js';

function verbsOf(command: Command, path: string): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => verbsOf(child, `${path} ${child.name()}`));
}

const verbs = verbsOf(buildProgram(recordedHost()), 'tributary');

describe.each(verbs)('$path', ({ path, command }) => {
  it('has a description and an example that begins with its own name', () => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(command.description().length).toBeGreaterThan(10);
    expect(help).toMatch(new RegExp(`\\$ tributary (--format \\S+ )?${path.replace('tributary ', '')}`));
  });
});
