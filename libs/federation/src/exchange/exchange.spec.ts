import { describe, expect, it } from '@jest/globals';
import { federationSchema } from '@tributary/protocol/federation';
import { adoptGlobal, heldManifest, packParameters } from './exchanged-vector.js';
import { exchangedParameters, sharedParameters, unetPart } from './partial-exchange.js';

/** Names as diffusers' UNet2DModel writes them. */
const manifest = [
  { name: 'class_embedding.weight', shape: [2, 1] },
  { name: 'conv_in.weight', shape: [2] },
  { name: 'conv_norm_out.bias', shape: [1] },
  { name: 'conv_out.weight', shape: [2] },
  { name: 'down_blocks.0.resnets.0.conv1.weight', shape: [1] },
  { name: 'down_blocks.0.resnets.0.norm1.weight', shape: [1] },
  { name: 'mid_block.attentions.0.group_norm.weight', shape: [1] },
  { name: 'mid_block.resnets.0.conv1.bias', shape: [1] },
  { name: 'time_embedding.linear_1.bias', shape: [1] },
  { name: 'up_blocks.0.resnets.0.norm2.bias', shape: [1] },
  { name: 'up_blocks.0.upsamplers.0.conv.weight', shape: [1] },
];

const sent = (exchange: object, place = { siteIndex: 0, roundIndex: 0 }) =>
  exchangedParameters(manifest, federationSchema.parse(exchange), place);

describe('partial exchange', () => {
  it('divides a U-Net into encoder, bottleneck and decoder', () => {
    expect(manifest.map(({ name }) => unetPart(name)).join(' ')).toBe(
      'encoder encoder decoder decoder encoder encoder bottleneck bottleneck encoder decoder decoder',
    );
  });

  it('sends everything by default', () => {
    expect(sent({})).toEqual(manifest.map(({ name }) => name));
  });

  it('keeps norms at the site (FedBN)', () => {
    const kept = manifest
      .map(({ name }) => name)
      .filter((name) => !sent({ localParameters: ['norms'] }).includes(name));
    expect(kept).toEqual([
      'conv_norm_out.bias',
      'down_blocks.0.resnets.0.norm1.weight',
      'mid_block.attentions.0.group_norm.weight',
      'up_blocks.0.resnets.0.norm2.bias',
    ]);
  });

  it('keeps parameters by patterns of their names, in which only * is special', () => {
    const kept = (pattern: string) =>
      manifest.map(({ name }) => name).filter((name) => !sent({ localParameters: [pattern] }).includes(name));
    expect(kept('*.norm1.*')).toEqual(['down_blocks.0.resnets.0.norm1.weight']);
    expect(kept('conv_in.weight')).toEqual(['conv_in.weight']);
    expect(kept('conv.in.weight')).toEqual([]);
    expect(kept('class-embedding')).toEqual(['class_embedding.weight']);
  });

  it('takes from the global weights what any site sends in any round', () => {
    const shared = (exchange: object) => sharedParameters(manifest, federationSchema.parse(exchange));
    expect(shared({ exchange: 'usplit' })).toEqual(manifest.map(({ name }) => name));
    expect(shared({ exchange: 'udec', localParameters: ['norms'] })).toEqual(
      sent({ exchange: 'udec', localParameters: ['norms'] }),
    );
  });

  it('sends less by scheme: UDEC the decoder, ULATDEC the bottleneck too', () => {
    expect(sent({ exchange: 'udec', localParameters: ['norms'] })).toEqual([
      'conv_out.weight',
      'up_blocks.0.upsamplers.0.conv.weight',
    ]);
    expect(sent({ exchange: 'ulatdec' })).toHaveLength(6);
  });

  it('splits a round between neighbouring sites, and a site between neighbouring rounds (USPLIT)', () => {
    const usplit = { exchange: 'usplit' };
    const halves = [
      sent(usplit, { siteIndex: 0, roundIndex: 0 }),
      sent(usplit, { siteIndex: 1, roundIndex: 0 }),
      sent(usplit, { siteIndex: 0, roundIndex: 1 }),
    ];
    expect(halves[1]).toEqual(halves[2]);
    expect([...(halves[0] ?? []), ...(halves[1] ?? [])].toSorted()).toEqual(manifest.map(({ name }) => name));
  });

  it('packs what is sent and lays the global values over a site’s own', () => {
    const parameters = sent({ exchange: 'udec' });
    expect(heldManifest(manifest, parameters).map(({ name }) => name)).toEqual(parameters);
    // Offsets: class 0-1, conv_in 2-3, norm_out 4, conv_out 5-6, down 7-8, mid 9-10, time 11, up 12-13.
    const global = Float32Array.from({ length: 14 }, (_, i) => i);
    expect([...packParameters(global, manifest, parameters)]).toEqual([4, 5, 6, 12, 13]);
    const own = Float32Array.from({ length: 14 }, () => -1);
    expect([...adoptGlobal(own, global, { manifest, shared: parameters })]).toEqual([
      -1, -1, -1, -1, 4, 5, 6, -1, -1, -1, -1, -1, 12, 13,
    ]);
  });
});
