import { serveOrders } from '../../platform/threads/serve-orders.js';
import { GrowingHash } from './growing-hash.js';
import type { HashOrder } from './hash-messages.js';

const begun = new Map<string, GrowingHash>();

serveOrders(async ({ type, path, sizeBytes }: HashOrder): Promise<string> => {
  const known = begun.get(path);
  if (known === undefined && type === 'discard') return '';
  const hash = known ?? new GrowingHash(path);
  if (type === 'written') {
    begun.set(path, hash);
    await hash.advance(sizeBytes);
    return '';
  }
  begun.delete(path);
  if (type === 'digest') return hash.digest(sizeBytes);
  await hash.close();
  return '';
});
