// Writes docs/ref-recipe.md from the recipe schema; with --check only says whether it is in step.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { recipeSchema } from '../libs/protocol/dist/recipe.js';

const file = join(import.meta.dirname, '..', 'docs', 'ref-recipe.md');

function rangeOf(schema) {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  const lower = schema.minimum ?? schema.exclusiveMinimum;
  const upper = schema.maximum ?? schema.exclusiveMaximum;
  const safe = (bound) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const bounds = [
    safe(lower) ? `${schema.exclusiveMinimum === undefined ? '≥' : '>'} ${lower}` : '',
    safe(upper) ? `${schema.exclusiveMaximum === undefined ? '≤' : '<'} ${upper}` : '',
  ].filter(Boolean);
  return [schema.type, ...bounds].filter(Boolean).join(', ');
}

function rows(schema, path, required) {
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined && variants.every((variant) => variant.properties !== undefined)) {
    return variants.flatMap((variant) => {
      const kind = Object.entries(variant.properties).find(([, property]) => property.const !== undefined);
      return rows(variant, `${path}${kind === undefined ? '' : ` (${kind[0]} ${kind[1].const})`}`, required);
    });
  }
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, property]) =>
      rows(property, path === '' ? name : `${path}.${name}`, (schema.required ?? []).includes(name)),
    );
  }
  const shown = schema.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``;
  const kind = variants === undefined ? rangeOf(schema) : variants.map(rangeOf).join(' or ');
  const array = schema.type === 'array' ? `list of: ${rangeOf(schema.items)}` : kind;
  return [`| \`${path}\` | ${array} | ${shown} | ${schema.description ?? ''} |`];
}

const page = `# The recipe

A recipe is the whole, immutable description of a run (\`tributary run create -f recipe.yaml\`). Its SHA-256, over its canonical JSON with
defaults filled in, is what sites approve. An unknown field is refused; a wrong one is named with what was expected.
This page is made from \`libs/protocol/src/recipe.ts\` by \`node scripts/docs-recipe.mjs\`; \`npm run check\` holds both in step.

| field | values | default | meaning |
|---|---|---|---|
${rows(z.toJSONSchema(recipeSchema, { io: 'input' }), '', true).join('\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/ref-recipe.md is out of step: run node scripts/docs-recipe.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, page);
}
