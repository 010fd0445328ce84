import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { compressionSchema, federationSchema } from '@tributary/protocol/federation';
import { createStrategy } from './create-strategy.js';
import { strategyOptionsSchema } from './strategy-options.js';

const reference = readFileSync(new URL('../../../../docs/ref-strategies.md', import.meta.url), 'utf8');

const kinds = strategyOptionsSchema.options.map(({ shape }) => shape.kind.value);

describe('strategies and their reference page', () => {
  it.each(kinds)('%s has a row', (kind) => {
    expect(reference).toContain(`| \`${kind}\` |`);
  });

  it('every way to exchange and to compress has a row', () => {
    const schemes = federationSchema.shape.exchange.unwrap().options.filter((scheme) => scheme !== 'full');
    const codes = compressionSchema.options.map(({ shape }) => shape.kind.value).filter((kind) => kind !== 'none');
    for (const scheme of schemes) expect(reference).toContain(`\`federation.exchange: ${scheme}\``);
    for (const code of codes) expect(reference).toContain(`\`federation.compression.kind: ${code}\``);
  });

  it.each(kinds)('%s can be built from its defaults', (kind) => {
    const options = strategyOptionsSchema.parse(kind === 'multi-krum' ? { kind, byzantine: 1 } : { kind });
    const strategy = createStrategy(options, 1);
    expect(strategy.name).toBe(kind);
    expect(strategy.updateVectors).toEqual(strategy.updateVectors.toSorted());
  });

  it.each([
    { kind: 'fedsgd', serverLearningRate: 1 },
    { kind: 'fedavg', serverLearningRate: 0 },
    { kind: 'fedavg', clipNorm: -1 },
    { kind: 'fedavgm', momentum: 1 },
    { kind: 'fedadam', tau: 0 },
    { kind: 'trimmed-mean', trimFraction: 0.5 },
    { kind: 'multi-krum' },
    { kind: 'scaffold', clipNorm: 1 },
    { kind: 'median', unknown: true },
  ])('refuses %p', (options) => {
    expect(strategyOptionsSchema.safeParse(options).success).toBe(false);
  });
});
