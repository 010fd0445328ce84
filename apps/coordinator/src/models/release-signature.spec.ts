import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, verify } from 'node:crypto';
import { canonicalJson, recordDocument, type Lineage } from '@tributary/protocol';
import { signLineage } from './release-signature.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const SHA256 = 'a'.repeat(64);
const lineage: Lineage = {
  version: 'run-00000001/2',
  runId: 'run-00000001',
  studyId: 'brains',
  recipeSha256: SHA256,
  recipe: recordDocument({ name: 'tiny', left: undefined }),
  sites: [{ siteId: 'site-a', images: 40 }],
  classes: ['base'],
  rounds: [],
  weightsSha256: SHA256,
  emaSha256: SHA256,
  evaluation: null,
  createdAt: '2026-03-01T12:00:00.000Z',
  writtenBy: '0.1.0',
};

describe('the signature of a release', () => {
  const release = signLineage(lineage, privateKey);
  const isGenuine = (claimed: object) =>
    verify(null, Buffer.from(canonicalJson(claimed)), publicKey, Buffer.from(release.signature, 'base64'));

  it('covers the lineage as it is sent', () => {
    expect(isGenuine(release.lineage)).toBe(true);
    expect(Buffer.from(release.publicKey, 'base64')).toHaveLength(32);
  });

  it('breaks with any change of the lineage', () => {
    expect(isGenuine({ ...release.lineage, sites: [{ siteId: 'site-a', images: 41 }] })).toBe(false);
  });
});
