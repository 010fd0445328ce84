/** What every error of the catalogue states: HTTP status, whether trying again can help, what happened and what to do. */
export interface ErrorSpec {
  readonly status: number;
  readonly retryable: boolean;
  readonly text: string;
  readonly remedy: string;
}

/**
 * Every error that a person or a program can meet, by its stable code.
 * `docs/ref-errors.md` is generated from this table; a test holds both together.
 */
export const ERRORS = {
  // requests
  REQUEST_INVALID: {
    status: 400,
    retryable: false,
    text: 'the request does not fit its schema',
    remedy: 'Correct the named fields and send it again.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: 'the request is larger than this route accepts',
    remedy: 'Send weights through the upload route, no more bytes than were announced; keep control messages small.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'there is no such route',
    remedy: 'Look the route up under /docs.',
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    text: 'there is no such object',
    remedy: 'List what exists and check the id.',
  },
  ALREADY_EXISTS: {
    status: 409,
    retryable: false,
    text: 'an object with this name exists already',
    remedy: 'Choose another name or use the existing one.',
  },
  RATE_LIMITED: {
    status: 429,
    retryable: true,
    text: 'too many failed attempts from this address',
    remedy: 'Wait a minute and check the credentials before you try again.',
  },
  INTERNAL: {
    status: 500,
    retryable: true,
    text: 'something failed that should not have',
    remedy: 'Try again; if it stays, send the correlation id to the operator of the coordinator.',
  },

  // identity
  AUTH_MISSING: {
    status: 401,
    retryable: false,
    text: 'no credentials were sent',
    remedy: 'Send an API key or a site access token as a bearer token.',
  },
  AUTH_INVALID: {
    status: 401,
    retryable: false,
    text: 'the credentials are not valid',
    remedy: 'Check the key; a site asks for a new access token with its key.',
  },
  AUTH_EXPIRED: {
    status: 401,
    retryable: true,
    text: 'the access token has expired',
    remedy: 'Ask for a new access token.',
  },
  AUTH_FORBIDDEN: {
    status: 403,
    retryable: false,
    text: 'this role may not do that',
    remedy: 'Ask a consortium admin.',
  },
  AUTH_CLOCK_SKEW: {
    status: 401,
    retryable: true,
    text: "the site's clock is too far from the coordinator's",
    remedy: "Set the site's clock (NTP); the answer names the difference in seconds.",
  },
  ENROL_TOKEN_INVALID: {
    status: 401,
    retryable: false,
    text: 'the enrolment token is not known',
    remedy: 'Copy the token again or ask the admin for a new invitation.',
  },
  ENROL_TOKEN_USED: {
    status: 409,
    retryable: false,
    text: 'the enrolment token has been used',
    remedy: 'Ask the admin for a new invitation; if you did not use it, tell the admin at once.',
  },
  ENROL_TOKEN_EXPIRED: {
    status: 401,
    retryable: false,
    text: 'the enrolment token has expired',
    remedy: 'Ask the admin for a new invitation.',
  },
  ENROL_KEY_INVALID: {
    status: 400,
    retryable: false,
    text: 'the public key or its proof of possession is not valid',
    remedy: 'Enrol again with the key that the agent made.',
  },
  SITE_NOT_APPROVED: {
    status: 403,
    retryable: true,
    text: 'this site is not approved yet',
    remedy: 'Ask the admin to compare the fingerprint and approve the site.',
  },
  SITE_REVOKED: { status: 403, retryable: false, text: 'this site has been revoked', remedy: 'Ask the admin.' },
  SITE_FINGERPRINT_MISMATCH: {
    status: 409,
    retryable: false,
    text: "the fingerprint is not that of the site's key",
    remedy: 'Compare the fingerprint with the site by telephone; do not approve on a mismatch.',
  },
  PROTOCOL_VERSION: {
    status: 426,
    retryable: false,
    text: 'agent and coordinator speak different protocol versions',
    remedy: 'Install the version of the agent that the coordinator names.',
  },

  // runs and rounds
  RECIPE_INVALID: {
    status: 400,
    retryable: false,
    text: 'the recipe does not fit its schema',
    remedy: 'Correct the named fields; docs/ref-recipe.md lists all of them.',
  },
  RECIPE_INCOMPATIBLE: {
    status: 400,
    retryable: false,
    text: 'parts of the recipe do not fit together',
    remedy: 'Choose one of the combinations that the message names.',
  },
  RECIPE_STUDY_MISMATCH: {
    status: 400,
    retryable: false,
    text: "the recipe does not fit the study's contract",
    remedy: "Use the study's classes, image size and channels.",
  },
  DOCUMENT_UNREADABLE: {
    status: 422,
    retryable: false,
    text: 'this version cannot read what another version wrote',
    remedy: 'Use the version that the message names, or a newer one; CHANGELOG.md tells what changed.',
  },
  RECIPE_NOT_APPROVED: {
    status: 403,
    retryable: false,
    text: 'the site did not approve this recipe',
    remedy: 'Approve the hash at the site or change its policy.',
  },
  RUN_STALE_TRANSITION: {
    status: 409,
    retryable: true,
    text: 'the run changed its state meanwhile',
    remedy: 'Read the run again.',
  },
  RUN_ILLEGAL_TRANSITION: {
    status: 409,
    retryable: false,
    text: 'the run cannot do that in its state',
    remedy: 'Read the run; the message names its state and the event.',
  },
  ROUND_STALE_TRANSITION: {
    status: 409,
    retryable: true,
    text: 'the round changed its state meanwhile',
    remedy: 'Read the round again.',
  },
  ROUND_ILLEGAL_TRANSITION: {
    status: 409,
    retryable: false,
    text: 'the round cannot do that in its state',
    remedy: 'Read the round; the message names its state and the event.',
  },
  ROUND_QUORUM_NOT_MET: {
    status: 409,
    retryable: true,
    text: 'the round has too few updates',
    remedy: 'Wait for more sites, lower the quorum in a new run, or look at why sites are away.',
  },
  ROUND_DEADLINE_PAST: {
    status: 400,
    retryable: false,
    text: 'the deadline lies in the past',
    remedy: 'Give a deadline in the future.',
  },
  QUORUM_LARGER_THAN_STUDY: {
    status: 400,
    retryable: false,
    text: 'the quorum is larger than the number of approved sites in the study',
    remedy: 'Lower the quorum or approve more sites.',
  },
  ASSIGNMENT_STALE_TRANSITION: {
    status: 409,
    retryable: true,
    text: 'the assignment changed its state meanwhile',
    remedy: 'Read the assignment again.',
  },
  ASSIGNMENT_ILLEGAL_TRANSITION: {
    status: 409,
    retryable: false,
    text: 'the assignment cannot do that in its state',
    remedy: 'Ask for the open assignments again.',
  },
  ASSIGNMENT_NOT_YOURS: {
    status: 403,
    retryable: false,
    text: 'the assignment belongs to another site',
    remedy: 'Ask for your own open assignments.',
  },
  ASSIGNMENT_CLOSED: {
    status: 409,
    retryable: false,
    text: 'the assignment is closed: its round went on without it',
    remedy: 'Drop it and ask for the open assignments.',
  },

  EVALUATION_IMPOSSIBLE: {
    status: 422,
    retryable: false,
    text: 'the scores cannot be computed from what the sites sent',
    remedy: 'The model is released without scores; look at the named reason and at the held-out images of the sites.',
  },

  // updates and blobs
  UPDATE_WRONG_SIZE: {
    status: 422,
    retryable: false,
    text: 'the update has another size than announced or than its manifest asks for',
    remedy: 'Send the file that the trainer wrote, unchanged.',
  },
  UPDATE_WRONG_HASH: {
    status: 422,
    retryable: true,
    text: "the update's SHA-256 is not the announced one",
    remedy: 'Send it again; if it stays, look for a proxy that changes bodies.',
  },
  UPDATE_WRONG_MANIFEST: {
    status: 422,
    retryable: false,
    text: "the update's parameters are not those of the run's network",
    remedy: 'Train with the recipe of the run; update the agent.',
  },
  UPDATE_NOT_FINITE: {
    status: 422,
    retryable: false,
    text: 'the update contains NaN or infinity',
    remedy: 'Lower the learning rate; look at the images of the site that sent it.',
  },
  UPDATE_TOO_STALE: {
    status: 409,
    retryable: false,
    text: 'the update comes from a model version that is too far behind',
    remedy: 'Nothing to do: the site is offered the current version.',
  },
  UPDATE_CONFLICT: {
    status: 409,
    retryable: false,
    text: 'another update was already received for this assignment',
    remedy: 'Nothing to do: the first one counts.',
  },
  UPLOAD_METADATA_INVALID: {
    status: 400,
    retryable: false,
    text: "the upload's metadata does not fit its schema",
    remedy: 'Send the fields that docs/ref-protocol.md lists.',
  },
  UPLOAD_LOCKED: {
    status: 423,
    retryable: true,
    text: 'another connection writes the same upload, or has written to it',
    remedy: 'Wait a moment, ask how many bytes are held (HEAD) and go on from there.',
  },
  BLOB_CORRUPT: {
    status: 500,
    retryable: false,
    text: 'a stored file is not what its hash says',
    remedy: 'Restore the file from a backup; docs/how-to-operate.md tells how.',
  },
  BLOB_RANGE_INVALID: {
    status: 416,
    retryable: false,
    text: 'the range lies outside of the file',
    remedy: 'Ask for a range inside of the size in Content-Range.',
  },
  WEIGHTS_WRONG_HASH: {
    status: 422,
    retryable: true,
    text: "the weights' SHA-256 is not the announced one",
    remedy: 'Send them again; if it stays, look for a proxy that changes bodies.',
  },
  START_WEIGHTS_MISSING: {
    status: 409,
    retryable: true,
    text: 'the coordinator does not have the weights that the recipe starts from',
    remedy: 'Create the run with `tributary run create --start-from DIR`, which sends them.',
  },
  START_MODEL_UNFIT: {
    status: 422,
    retryable: false,
    text: "the run cannot start from this model: it does not fit the recipe's network",
    remedy:
      'Set the named fields of the recipe to what the model has, or choose another model; docs/how-to-start-from-a-model.md tells how.',
  },
  SAFETENSORS_INVALID: {
    status: 422,
    retryable: false,
    text: 'the file is not a valid safetensors file',
    remedy: 'Write it with a safetensors library; the message says what is wrong.',
  },
  MODEL_VERSION_PRUNED: {
    status: 410,
    retryable: false,
    text: "the files of this model version were removed by the recipe's retention rule",
    remedy: 'Use a version that is kept, or set retention.weightsEvery in the recipe of the next run.',
  },
  DISK_FULL: {
    status: 507,
    retryable: true,
    text: 'there is not enough disk space',
    remedy:
      'Free disk space. Coordinators and agents have lost nothing and go on by themselves; start any other command again.',
  },

  // data of a site
  DATA_EMPTY: {
    status: 422,
    retryable: false,
    text: 'the data folder holds no usable image',
    remedy:
      'Check the folder and who may read it; docs/how-to-prepare-data.md tells what it has to hold, `tributary data inspect` counts what is there.',
  },
  DATA_BAD_FILES: {
    status: 422,
    retryable: false,
    text: 'the data folder holds files that cannot be used',
    remedy: 'Remove them or let the recipe skip them (data.onBadFile: skip).',
  },
  DATA_LABELS_INVALID: {
    status: 422,
    retryable: false,
    text: 'labels.csv cannot be used',
    remedy: 'Correct the named row and column; docs/how-to-prepare-data.md shows the format.',
  },
  DATA_UNKNOWN_CLASS: {
    status: 422,
    retryable: false,
    text: 'labels.csv names a class that the study does not have',
    remedy: "Use the study's class names.",
  },
  DATA_ALL_IN_ONE_SPLIT: {
    status: 422,
    retryable: false,
    text: 'the split by patient leaves one side without images',
    remedy: 'Add patients or change data.heldOutFraction.',
  },
  DATA_TOO_FEW_IMAGES: {
    status: 422,
    retryable: false,
    text: 'the site has fewer images than the recipe asks for',
    remedy: 'Add images or lower rounds.minImages.',
  },

  // training and sampling
  TRAIN_NOT_FINITE: {
    status: 422,
    retryable: false,
    text: 'training produced NaN or infinity',
    remedy: 'Lower the learning rate; the last good checkpoint is kept.',
  },
  TRAINER_DIED: {
    status: 500,
    retryable: true,
    text: 'the trainer process ended unexpectedly',
    remedy: 'Nothing to do: it is started again from its last checkpoint.',
  },
  TRAINER_TASK_INVALID: {
    status: 422,
    retryable: false,
    text: 'the task folder cannot be used',
    remedy: 'Install the same version of agent and trainer.',
  },
  ENGINE_MEMORY_LIMIT: {
    status: 422,
    retryable: false,
    text: 'a program needs more memory than it may use',
    remedy: 'Raise the memory limit of the site, or take a recipe with a smaller batch, image or network.',
  },
  ENGINE_UNAVAILABLE: {
    status: 422,
    retryable: false,
    text: 'the chosen engine cannot run on this machine',
    remedy: 'Run `tributary doctor`; choose a usable engine.',
  },
  ENGINE_PLATFORM_UNSUPPORTED: {
    status: 422,
    retryable: false,
    text: 'this engine cannot be installed on this kind of machine',
    remedy: 'Use the onnx engine, or install it on x86_64 Linux with glibc.',
  },
  ENGINE_COMPILER_MISSING: {
    status: 422,
    retryable: false,
    text: 'no C++ compiler was found, which this engine is built with',
    remedy: 'Install g++ (Debian, Ubuntu: apt-get install g++), or set CXX.',
  },
  ENGINE_PYTHON_MISSING: {
    status: 422,
    retryable: false,
    text: 'no Python with pip was found, which downloads this engine',
    remedy:
      'Install Python 3 with pip (Debian, Ubuntu: apt-get install python3-pip), set PYTHON, or give the file: --wheel FILE.',
  },
  ENGINE_DOWNLOAD_FAILED: {
    status: 502,
    retryable: true,
    text: 'a part of the engine could not be downloaded',
    remedy:
      'Check the network and the indexes that pip and npm are set up for, then run it again: what is there is kept.',
  },
  ENGINE_WHEEL_MISMATCH: {
    status: 422,
    retryable: false,
    text: 'the wheel is not the one that this engine is built from',
    remedy: 'Download it again, or leave out --wheel; the message names the SHA-256 that is expected.',
  },
  ENGINE_BUILD_FAILED: {
    status: 500,
    retryable: false,
    text: 'the engine was downloaded but could not be built or does not run',
    remedy: 'The message ends with the last lines of the compiler or of the trial; report them.',
  },
  ENGINE_UNCOVERED_KERNEL: {
    status: 422,
    retryable: false,
    text: 'the engine does not cover an operation of this network',
    remedy: 'Choose the reference engine or report the named kernel.',
  },
  SAMPLER_INCOMPATIBLE: {
    status: 422,
    retryable: false,
    text: 'this sampler does not fit the model',
    remedy: 'Change what the message names, or choose a sampler that fits.',
  },
  MODEL_INVALID: {
    status: 422,
    retryable: false,
    text: 'the model folder cannot be used',
    remedy: 'Pull it again with `tributary model pull`.',
  },
  MODEL_VERIFY_FAILED: {
    status: 422,
    retryable: false,
    text: 'the model is not what its lineage says',
    remedy: 'Do not use it; pull it again and tell the admin.',
  },
  MODEL_NOT_RELEASED: {
    status: 422,
    retryable: false,
    text: 'the model was put together for trials: no site evaluated it and nobody signed it',
    remedy:
      'Pull a release with `tributary model pull`; docs/how-to-choose-an-average.md tells how a width is released.',
  },
  EMA_WIDTH_UNREACHABLE: {
    status: 422,
    retryable: false,
    text: 'the averages that are kept of the run cannot be put together to one of this width',
    remedy:
      'Choose a width that the message names; set serverEma.kind to power-function, and retention.weightsEvery for more, in the recipe of the next run.',
  },

  AUDIT_CHAIN_BROKEN: {
    status: 500,
    retryable: false,
    text: 'the audit log has been changed or cut',
    remedy: 'Compare the named entry with a backup of the database; treat later entries as unproven.',
  },

  // privacy and policy
  POLICY_DECLINED: {
    status: 403,
    retryable: false,
    text: "the site's policy does not allow this",
    remedy: 'The message names the rule; only the site can change it.',
  },
  POLICY_INVALID: {
    status: 422,
    retryable: false,
    text: "the site's policy file does not fit its schema",
    remedy: 'Correct the named fields.',
  },

  // configuration and set-up
  CONFIG_INVALID: {
    status: 422,
    retryable: false,
    text: 'the configuration cannot be used',
    remedy:
      'Correct what is named; docs/ref-configuration.md lists the settings of a coordinator, docs/ref-site-configuration.md those of a site.',
  },
  DATABASE_UNREACHABLE: {
    status: 503,
    retryable: true,
    text: 'the database cannot be reached',
    remedy: 'Check DATABASE_URL and that PostgreSQL runs.',
  },
  DATABASE_MIGRATION_FAILED: {
    status: 500,
    retryable: false,
    text: 'a database migration failed',
    remedy: 'Restore the backup or resolve the named migration; nothing else was changed.',
  },
  BLOB_STORE_UNREACHABLE: {
    status: 503,
    retryable: true,
    text: 'the blob store cannot be reached',
    remedy:
      'Check TRIBUTARY_S3_ENDPOINT, TRIBUTARY_S3_REGION and the network; nothing was lost, and the work goes on by itself.',
  },
  BLOB_STORE_REFUSED: {
    status: 503,
    retryable: true,
    text: 'the blob store does not let the coordinator in',
    remedy:
      'Check that TRIBUTARY_S3_BUCKET exists in TRIBUTARY_S3_REGION, and that the credentials may read and write it.',
  },
  REPLICA_MISMATCH: {
    status: 409,
    retryable: false,
    text: 'another coordinator on this database was set up differently',
    remedy: 'Give all replicas the same secrets and the same blob store; docs/how-to-run-replicas.md tells how.',
  },
  DATA_DIR_LOCKED: {
    status: 409,
    retryable: false,
    text: 'another process uses this data folder',
    remedy: 'Stop it or choose another --data-dir.',
  },
  DATA_DIR_NOT_WRITABLE: {
    status: 422,
    retryable: false,
    text: 'the folder, or a file in it, cannot be read or written',
    remedy: 'Give the folder and what is in it to the user that runs this, or choose another folder.',
  },
  PORT_IN_USE: {
    status: 409,
    retryable: false,
    text: 'the port is in use',
    remedy: 'Choose another --port or stop what listens there.',
  },
  COORDINATOR_UNREACHABLE: {
    status: 503,
    retryable: true,
    text: 'the coordinator cannot be reached',
    remedy: 'Check the URL, the network and the proxy; an agent that runs goes on trying.',
  },
  SERVICE_NOT_READY: {
    status: 503,
    retryable: true,
    text: 'the service is starting or stopping',
    remedy: 'Try again in a few seconds.',
  },
  // command line
  USAGE_INVALID: {
    status: 400,
    retryable: false,
    text: 'the command cannot be understood',
    remedy: 'Correct the named argument or flag; `--help` after any command shows an example.',
  },
  INPUT_FILE_INVALID: {
    status: 400,
    retryable: false,
    text: 'the file cannot be used',
    remedy: 'Check that the file exists and fits its schema; the message names the fields.',
  },
  OUTPUT_NOT_OURS: {
    status: 409,
    retryable: false,
    text: 'the output folder already holds something else',
    remedy: 'Choose an empty or new folder with --out; only a folder that this command wrote is replaced.',
  },
  PROCESS_ENDED: {
    status: 500,
    retryable: true,
    text: 'a process that this command started ended unexpectedly',
    remedy: 'Read the named log; start the command again.',
  },
  INTERRUPTED: {
    status: 499,
    retryable: true,
    text: 'the work was interrupted',
    remedy: 'Start it again: what was downloaded or acknowledged is kept.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** One place in the input that is wrong: where, and what was expected there. */
export interface FieldProblem {
  readonly path: string;
  readonly expected: string;
}

/** Facts that belong to one occurrence of an error; never an identifier, pixel or path of a patient's file. */
export interface ErrorContext {
  readonly detail?: string;
  readonly fields?: readonly FieldProblem[];
  readonly [fact: string]: unknown;
}

/** A domain outcome with a code of the catalogue. `message` is safe to show and to log. */
export class TributaryError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, context: ErrorContext = {}, options?: ErrorOptions) {
    super(context.detail === undefined ? ERRORS[code].text : `${ERRORS[code].text}: ${context.detail}`, options);
    this.name = 'TributaryError';
    this.code = code;
    this.context = context;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }
}

/** True when `value` is a code of the catalogue. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}
