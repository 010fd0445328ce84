export { aggregateRound, type AggregationHooks } from './aggregation/aggregate-round.js';
export type {
  AggregationProgress,
  AggregationRequest,
  AggregationResult,
  UpdateInput,
  UpdateNorm,
  VectorSource,
} from './aggregation/aggregation-request.js';
export { UpdateVerifier, type ExpectedUpdate, type VerifiedUpdate } from './verification/update-verifier.js';
