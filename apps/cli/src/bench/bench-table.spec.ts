import { describe, expect, it } from '@jest/globals';
import { besidePeer } from './bench-table.js';

const peer = { name: 'PyTorch', version: '2', value: 50 };

describe('besidePeer', () => {
  it('is above 1 where ours is quicker or smaller', () => {
    const speed = { bench: 'engine', case: 'mini', metric: 'trainImagesPerSecond', unit: '1/s', ours: 100 };
    expect(besidePeer(speed, peer, 'more')).toEqual({ ...speed, peer, ratio: 2 });
    const memory = { ...speed, metric: 'trainPeakRssMiB', unit: 'MiB', ours: 100 };
    expect(besidePeer(memory, peer, 'less')).toEqual({ ...memory, peer, ratio: 0.5 });
    expect(besidePeer(memory, undefined, 'less')).toEqual(memory);
  });
});
