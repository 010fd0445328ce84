import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { coveredBytes, recordDocument, type Lineage, type Release } from '@tributary/protocol';

/**
 * Signs a lineage: Ed25519 over the UTF-8 of its canonical JSON. Whoever has the model folder and the coordinator's public
 * key can check it without a server.
 *
 * @returns The lineage as it is recorded, which is what the signature covers; signature and raw public key in base64.
 */
export function signLineage(lineage: Lineage, key: KeyObject): Release {
  const recorded = recordDocument(lineage);
  const signature = sign(null, coveredBytes(recorded), key).toString('base64');
  return { lineage: recorded, signature, publicKey: rawPublicKey(key) };
}

function rawPublicKey(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url').toString('base64');
}
