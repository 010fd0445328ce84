import { z } from 'zod';
import { assignmentIdSchema, runIdSchema, siteIdSchema } from './identifiers.js';
import { assignmentReportSchema } from './assignment.js';
import { problemSchema } from './problem.js';
import { recipeSchema } from './recipe.js';

/**
 * The contract between agent and trainer. A run has one folder with `run.json`, and one sub-folder an assignment with
 * `task.json` and the weights; the trainer leaves `result.safetensors` and `report.json` there. All written by rename.
 */
export const RUN_FILE = 'run.json';
export const TASK_FILE = 'task.json';
export const RESULT_FILE = 'result.safetensors';
export const REPORT_FILE = 'report.json';
/** In a run's folder, left by the evaluation: the model with the parameters that never left the site. */
export const OWN_MODEL_FILE = 'own-model.safetensors';

/** What a site lets its trainers compute with. */
export const engineSettingsSchema = z.strictObject({
  name: z.enum(['auto', 'onnx', 'tensorflow', 'reference']),
  /** What the engine has when left out; of `auto` the quickest. */
  device: z.enum(['cpu', 'webgpu', 'cuda']).optional(),
  threads: z.int().min(1).max(1024),
  /** What training computes matrix products and convolutions in; of the onnx engine. */
  precision: z
    .enum(['float32', 'float16'], {
      error: ({ input }) =>
        input === 'bfloat16'
          ? 'float32 or float16: ONNX Runtime has no bfloat16 arithmetic on the CPU and WebGPU, and not all of it on CUDA'
          : 'float32 or float16',
    })
    .optional(),
  /** Of the onnx engine: recipes whose training step needs more are refused. */
  memoryLimitMiB: z.int().min(1).optional(),
});

export const runFileSchema = z.object({
  runId: runIdSchema,
  siteId: siteIdSchema,
  sites: z.array(siteIdSchema).min(1),
  recipe: recipeSchema,
  imagesDirectory: z.string().min(1),
  engine: engineSettingsSchema,
  checkpointEverySteps: z.int().min(1),
});
export type RunFile = z.infer<typeof runFileSchema>;

export const taskFileSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('train'),
    assignmentId: assignmentIdSchema,
    round: z.int().min(0),
    /** The last round that counts an update of this site, from which everything that the site keeps goes on; 0: none. */
    countedRound: z.int().min(0),
    weightsFile: z.string(),
    /** The server's control variate; SCAFFOLD from the second round on. */
    controlFile: z.string().optional(),
  }),
  z.object({
    kind: z.literal('evaluate'),
    assignmentId: assignmentIdSchema,
    round: z.int().min(0),
    countedRound: z.int().min(0),
    beforeFile: z.string(),
    afterFile: z.string(),
  }),
]);
export type TaskFile = z.infer<typeof taskFileSchema>;

/** `report.json`: what leaves the site beside the result, and the result's hash. */
export const reportFileSchema = z.object({ sha256: z.string(), sizeBytes: z.int(), report: assignmentReportSchema });
export type ReportFile = z.infer<typeof reportFileSchema>;

/** Agent to trainer, one JSON a line on stdin. */
export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('task'), folder: z.string() }),
  z.object({ type: z.literal('cancel'), assignmentId: assignmentIdSchema }),
  z.object({ type: z.literal('stop') }),
]);
export type TrainerCommand = z.infer<typeof trainerCommandSchema>;

/** When the parts of a training ended, by the clock of the site's machine. */
export const trainingMomentsSchema = z.object({
  firstStepAt: z.iso.datetime(),
  lastStepAt: z.iso.datetime(),
  writtenAt: z.iso.datetime(),
});
export type TrainingMoments = z.infer<typeof trainingMomentsSchema>;

/** Trainer to agent, one JSON a line on stdout. Never an identifier, pixel or path of a patient's file. */
export const trainerMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    engine: z.object({ name: z.string(), device: z.string(), threads: z.int() }),
    parameters: z.int(),
    data: z.object({
      images: z.int(),
      trainImages: z.int(),
      heldOutImages: z.int(),
      patients: z.int(),
      classes: z.record(z.string(), z.int()),
      problems: z.array(z.object({ kind: z.string(), count: z.int() })),
    }),
  }),
  z.object({
    type: z.literal('progress'),
    assignmentId: assignmentIdSchema,
    stage: z.enum(['training', 'evaluating']),
    done: z.number(),
    total: z.number(),
    loss: z.number().optional(),
    imagesPerSecond: z.number().optional(),
  }),
  z.object({ type: z.literal('done'), assignmentId: assignmentIdSchema, moments: trainingMomentsSchema.optional() }),
  z.object({ type: z.literal('failed'), assignmentId: assignmentIdSchema.nullable(), problem: problemSchema }),
]);
export type TrainerMessage = z.infer<typeof trainerMessageSchema>;
