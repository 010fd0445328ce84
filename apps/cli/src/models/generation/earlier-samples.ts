import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonOrUndefined } from '@tributary/protocol/json-or-undefined';
import { z } from 'zod';

/** Only names that `writeSamples` gives: nothing else in the folder is touched. */
const earlierSchema = z.array(
  z.object({
    file: z.string().regex(/^\d{5,}-seed-\d+\.png$/),
    volume: z
      .string()
      .regex(/^\d{5,}-seed-\d+\.nii\.gz$/)
      .optional(),
  }),
);

/** Removes the images of an earlier call, as its `samples.json` names them: two calls' images in one folder would look like one's. */
export async function removeEarlierSamples(directory: string): Promise<void> {
  const list = join(directory, 'samples.json');
  const text = await readFile(list, 'utf8').catch(() => '');
  const earlier = earlierSchema.safeParse(jsonOrUndefined(text));
  if (!earlier.success) return;
  const names = earlier.data.flatMap(({ file, volume }) => (volume === undefined ? [file] : [file, volume]));
  for (const name of [...names, 'values.npz']) await rm(join(directory, name), { force: true });
  await rm(list);
}
