// Writes docs/ref-errors.md from the error catalogue; with --check only says whether it is in step.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../libs/protocol/dist/errors.js';

const file = join(import.meta.dirname, '..', 'docs', 'ref-errors.md');
const rows = Object.entries(ERRORS).map(
  ([code, { status, retryable, text, remedy }]) =>
    `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${text} | ${remedy} |`,
);
const page = `# Errors

Every error that a person or a program can meet has a stable code. This page is made from the catalogue in
\`libs/protocol/src/errors.ts\` by \`node scripts/docs-errors.mjs\`; \`npm run check\` holds both in step.

| code | HTTP | try again helps | what happened | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/ref-errors.md is out of step: run node scripts/docs-errors.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, page);
}
