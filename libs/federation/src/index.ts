export { aggregateRound, type AggregationHooks } from './aggregation/aggregate-round.js';
export type {
  AggregationProgress,
  AggregationRequestInput,
  AggregationResult,
  UpdateNorm,
} from './aggregation/aggregation-request.js';
export { UpdateVerifier, type ExpectedUpdate, type VerifiedUpdate } from './verification/update-verifier.js';
export { controlChange, type LocalGradients } from './local/scaffold.js';
export { CONTROL_VECTOR } from './server-optimisers/control-variates.js';
export { createStrategy } from './strategies/create-strategy.js';
export { serverStep } from './strategies/server-step.js';
export { strategyOptionsSchema, type StrategyOptions } from './strategies/strategy-options.js';
export type { Strategy } from './strategies/strategy.js';
export { adoptGlobal, copyParameters, packParameters, unpackParameters } from './exchange/exchanged-vector.js';
export { changedBytes } from './exchange/changed-bytes.js';
export { assertExchange } from './exchange/assert-exchange.js';
export { exchangedParameters, sharedParameters, type Exchange } from './exchange/partial-exchange.js';
export {
  largestUpdateBytes,
  ownedParameters,
  updateInput,
  updateLayout,
  type UpdateContext,
  type UpdateLayout,
} from './exchange/update-layout.js';
export { compressedHeader } from './compression/compressed-file.js';
export { codecOf } from './compression/codec-of.js';
export { compressWithFeedback, type CompressedUpdate } from './compression/error-feedback.js';
export type { WindowCodec } from './compression/window-codec.js';
export { openFileBytes, type ByteSource, type OpenBytes } from './vectors/byte-source.js';
export type { HashFile } from './vectors/file-hash.js';
export { releaseChunk } from './vectors/release-chunk.js';
export { updateManifest } from './vectors/vector-names.js';
