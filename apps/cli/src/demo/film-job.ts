import { recipeSchema } from '@tributary/protocol/recipe';
import { z } from 'zod';

/** One model version to draw samples with. */
const filmFrameSchema = z.object({
  round: z.int().min(0),
  weightsFile: z.string(),
  /** Where the images go: float32, one after the other. */
  imagesFile: z.string(),
  seeds: z.array(z.int()).min(1),
  classRows: z.array(z.int().min(0)).min(1),
});

/** What the sampling process is asked to do, as the file that it is given. */
export const filmJobSchema = z.object({
  recipe: recipeSchema,
  siteCount: z.int().min(1),
  threads: z.int().min(1),
  frames: z.array(filmFrameSchema).min(1),
});
export type FilmJob = z.infer<typeof filmJobSchema>;

/** One line of its standard output. */
export const filmMessageSchema = z.object({ round: z.int(), share: z.number() });
export type FilmMessage = z.infer<typeof filmMessageSchema>;
