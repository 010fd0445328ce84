import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coveredRanges, segmentsOf } from './coverage.js';

const manifest = [
  { name: 'a', shape: [3] },
  { name: 'embedding', shape: [4, 5] },
  { name: 'z', shape: [] },
];

describe('coveredRanges', () => {
  it('covers everything when nothing is said', () => {
    expect(coveredRanges(manifest, {})).toEqual([{ begin: 0, end: 24 }]);
  });

  it('covers owned rows of one parameter and all of the others', () => {
    const rows = [
      { begin: 1, end: 2 },
      { begin: 3, end: 4 },
    ];
    // Row 1 is [3 + 5, 3 + 10), row 3 [3 + 15, 3 + 20), which z follows.
    expect(coveredRanges(manifest, { ownedRows: [{ parameter: 'embedding', rows }] })).toEqual([
      { begin: 0, end: 3 },
      { begin: 8, end: 13 },
      { begin: 18, end: 24 },
    ]);
  });

  it('covers the parameters that an update holds, and of these the owned rows', () => {
    const ownedRows = [{ parameter: 'embedding', rows: [{ begin: 0, end: 1 }] }];
    expect(coveredRanges(manifest, { parameters: ['z', 'embedding'], ownedRows })).toEqual([
      { begin: 3, end: 8 },
      { begin: 23, end: 24 },
    ]);
  });

  it.each([
    [{ begin: 2, end: 1 }],
    [{ begin: 0, end: 5 }],
    [{ begin: 0.5, end: 1 }],
    [
      { begin: 0, end: 2 },
      { begin: 1, end: 3 },
    ],
  ])('refuses rows %p', (...rows) => {
    expect(() => coveredRanges(manifest, { ownedRows: [{ parameter: 'embedding', rows }] })).toThrow(RangeError);
  });

  it('refuses parameters that do not exist', () => {
    expect(() => coveredRanges(manifest, { parameters: ['b'] })).toThrow(RangeError);
    expect(() => coveredRanges(manifest, { ownedRows: [{ parameter: 'b', rows: [] }] })).toThrow(RangeError);
  });
});

describe('segmentsOf', () => {
  it('cuts where the contributing sites change', () => {
    const first = [
      { begin: 0, end: 4 },
      { begin: 8, end: 10 },
    ];
    const second = [{ begin: 2, end: 8 }];
    expect(segmentsOf(12, [first, second])).toEqual([
      { begin: 0, end: 2, group: [0] },
      { begin: 2, end: 4, group: [0, 1] },
      { begin: 4, end: 8, group: [1] },
      { begin: 8, end: 10, group: [0] },
      { begin: 10, end: 12, group: [] },
    ]);
  });

  it('tiles the vector and names for every number exactly the sites that cover it', () => {
    const sitesArbitrary = fc.array(fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), { maxLength: 5 });
    fc.assert(
      fc.property(sitesArbitrary, (masks) => {
        const covered = masks.map((mask) =>
          mask.flatMap((isCovered, i) => (isCovered ? [{ begin: i, end: i + 1 }] : [])),
        );
        const groups = segmentsOf(20, covered).flatMap(({ begin, end, group }) =>
          Array.from({ length: end - begin }, () => group),
        );
        expect(groups).toEqual(
          Array.from({ length: 20 }, (_, i) => masks.flatMap((mask, site) => (mask[i] ? [site] : []))),
        );
      }),
    );
  });
});
