import type { Prisma } from '../../generated/prisma/client.js';
import { z } from 'zod';

/**
 * A plain value as the database takes it: what JSON cannot carry is dropped here and not at the driver.
 * The schema that reads it back is what guarantees its type.
 */
export function storedJson(value: object): Prisma.InputJsonObject {
  return z.record(z.string(), z.json()).parse(JSON.parse(JSON.stringify(value)));
}

/** As {@link storedJson}, for lists. */
export function storedJsonArray(value: readonly object[]): Prisma.InputJsonArray {
  return z.array(z.json()).parse(JSON.parse(JSON.stringify(value)));
}
