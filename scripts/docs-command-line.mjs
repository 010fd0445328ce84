// Writes docs/ref-command-line.md from the definitions of the `tributary` command; with --check only says whether it is in step.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT_CODES } from '../libs/protocol/dist/exit-codes.js';
import { buildProgram } from '../apps/cli/dist/program.js';

const MEANINGS = {
  done: 'done',
  failed: 'failed; the stable error code is in the output',
  badInput: 'bad usage or a bad input file; nothing was changed',
  refused: 'refused by a policy or a gate',
  notAuthorised: 'not authorised',
  unreachable: 'unreachable, after retries',
  interrupted: 'interrupted; what was acknowledged is kept',
};

const sink = { write: () => undefined };
const host = { stdout: sink, stderr: sink, env: {}, cwd: '.', signal: new AbortController().signal };

function optionRows(command) {
  return command.options
    .filter((option) => option.long !== '--version')
    .map(({ flags, description, defaultValue, mandatory, argChoices }) => {
      const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
      const fallback = mandatory
        ? 'required'
        : [undefined, false, true].includes(defaultValue)
          ? ''
          : `\`${defaultValue}\``;
      return `| \`${flags.replaceAll('|', '\\|')}\` | ${description}${choices} | ${fallback} |`;
    });
}

function exampleOf(command) {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 10_000 });
  command.outputHelp();
  return [...text.matchAll(/^ {2}\$ (.+)$/gm)].map(([, line]) => line);
}

function leaves(command, path) {
  const children = command.commands.filter((child) => child.name() !== 'help');
  if (children.length === 0) return [{ command, path }];
  return children.flatMap((child) => leaves(child, [...path, child.name()]));
}

function section({ command, path }) {
  const usage = [path.join(' '), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
  const rows = optionRows(command);
  const table = rows.length === 0 ? [] : ['', '| flag | meaning | default |', '|---|---|---|', ...rows];
  const lines = ['', `## \`${usage}\``, '', command.description(), ...table, '', '```sh', ...exampleOf(command), '```'];
  return lines.join('\n');
}

function page() {
  const program = buildProgram(host);
  const exits = Object.entries(EXIT_CODES).map(([name, code]) => `| ${code} | ${MEANINGS[name]} |`);
  return `# The \`tributary\` command

Made from the command's own definitions by \`node scripts/docs-command-line.mjs\`; \`npm run check\` holds both in step.
Every verb has \`--help\`. Results go to standard output, everything else to standard error; with \`--format json\` standard
output holds exactly one document, a failure as \`{"error": {"code", "message", "remedy", …}}\`.

| exit code | meaning |
|---|---|
${exits.join('\n')}

## Flags of every verb

| flag | meaning | default |
|---|---|---|
${optionRows(program).join('\n')}
${leaves(program, ['tributary']).map(section).join('\n')}
`;
}

const file = join(import.meta.dirname, '..', 'docs', 'ref-command-line.md');
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page()) {
    console.error('docs/ref-command-line.md is out of step: run node scripts/docs-command-line.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, page());
}
