import { describe, expect, it } from '@jest/globals';
import { fingerprintOf, isSignedBy, publicKeyFromRaw } from './ed25519.js';

// RFC 8032, section 7.1, test 2: message 0x72
const PUBLIC_KEY = Buffer.from('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex').toString(
  'base64',
);
const SIGNATURE = Buffer.from(
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  'hex',
).toString('base64');

describe('Ed25519 keys of sites', () => {
  it('verify the signature of RFC 8032', () => {
    expect(isSignedBy(PUBLIC_KEY, 'r', SIGNATURE)).toBe(true);
  });

  it('refuse another message and a signature of another length', () => {
    expect(isSignedBy(PUBLIC_KEY, 's', SIGNATURE)).toBe(false);
    expect(isSignedBy(PUBLIC_KEY, 'r', SIGNATURE.slice(0, 40))).toBe(false);
  });

  it('have 32 bytes', () => {
    expect(() => publicKeyFromRaw(Buffer.alloc(31).toString('base64'))).toThrow(
      expect.objectContaining({ code: 'ENROL_KEY_INVALID' }),
    );
  });

  it('have a fingerprint as OpenSSH writes hashes', () => {
    // printf … | xxd -r -p | openssl dgst -sha256 -binary | base64 | tr -d =
    expect(fingerprintOf(PUBLIC_KEY)).toBe('SHA256:OfcT0KZEJT8EUpQhufUbmwiXnQgpWVnE85kO5hf1E58');
  });
});
