import type { Prisma } from '../../generated/prisma/client.js';

/**
 * A plain value as the database takes it: what JSON cannot carry is dropped here and not at the driver.
 * The schema that reads it back is what guarantees its type.
 */
export function storedJson(value: object): Prisma.InputJsonObject {
  const plain: Prisma.InputJsonObject = JSON.parse(JSON.stringify(value));
  return plain;
}

/** As {@link storedJson}, for lists. */
export function storedJsonArray(value: readonly object[]): Prisma.InputJsonArray {
  const plain: Prisma.InputJsonArray = JSON.parse(JSON.stringify(value));
  return plain;
}
