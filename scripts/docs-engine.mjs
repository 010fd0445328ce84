// Writes the table of kernels in docs/ref-engine.md from the engine's own; with --check only says whether it is in step.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { registerGradients } from '../libs/tensor/dist/index.js';
import { KERNEL_FAMILIES } from '../libs/kernels/dist/kernel-table.js';

const START = '<!-- kernels: made by scripts/docs-engine.mjs -->';
const END = '<!-- end of kernels -->';

registerGradients();
const file = join(import.meta.dirname, '..', 'docs', 'ref-engine.md');
const listed = (kernels) =>
  kernels
    .map(({ name }) => name)
    .sort()
    .map((name) => `\`${name}\``)
    .join(', ');
const rows = Object.entries(KERNEL_FAMILIES).map(([family, kernels]) => {
  const isDifferentiable = ({ name, gradient }) => gradient !== undefined || tf.getGradient(name) !== undefined;
  const others = kernels.filter((kernel) => !isDifferentiable(kernel));
  return `| ${family} | ${listed(kernels.filter(isDifferentiable))} | ${listed(others)} |`;
});
const table = `${START}

| family | kernels with a gradient | others |
|---|---|---|
${rows.join('\n')}

${END}`;

const page = readFileSync(file, 'utf8');
const [before, rest = ''] = page.split(START);
const [, after] = rest.split(END);
if (after === undefined) throw new Error('docs/ref-engine.md has lost the marks around its table of kernels');
const made = `${before}${table}${after}`;
if (process.argv.includes('--check')) {
  if (made !== page) {
    console.error('docs/ref-engine.md is out of step: run node scripts/docs-engine.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, made);
}
