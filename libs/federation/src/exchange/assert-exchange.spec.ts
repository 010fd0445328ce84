import { describe, expect, it } from '@jest/globals';
import { federationSchema } from '@tributary/protocol/federation';
import { assertExchange } from './assert-exchange.js';

const manifest = [
  { name: 'class_embedding.weight', shape: [2, 1] },
  { name: 'conv_in.weight', shape: [2] },
  { name: 'up_blocks.0.resnets.0.norm1.weight', shape: [1] },
];
const check = (exchange: object) => () => assertExchange(manifest, federationSchema.parse(exchange));

describe('what a recipe keeps at the sites', () => {
  it.each([[[]], [['norms', 'class-embedding']], [['conv_*']]])('may be %p', (localParameters) => {
    expect(check({ localParameters })).not.toThrow();
  });

  it('names every pattern that matches no parameter', () => {
    const localParameters = ['norms', 'norm', 'conv_in', '*.norm9.*'];
    expect(check({ localParameters })).toThrow(expect.objectContaining({ code: 'RECIPE_INCOMPATIBLE' }));
    for (const [index, pattern] of ['norm', 'conv_in', '*.norm9.*'].entries()) {
      expect(check({ localParameters })).toThrow(
        `federation.localParameters.${index + 1} must be a pattern that matches a parameter of the network, unlike ${pattern}`,
      );
    }
    expect(check({ localParameters })).not.toThrow('federation.localParameters.0');
  });

  it('leaves something to share', () => {
    expect(check({ localParameters: ['*'] })).toThrow('leave some parameters to share');
    expect(check({ localParameters: ['up_blocks.*'], exchange: 'udec' })).toThrow('federation.localParameters');
  });
});
