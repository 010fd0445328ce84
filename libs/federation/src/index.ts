export { aggregateRound, type AggregationHooks } from './aggregation/aggregate-round.js';
export { aggregateInWorker } from './aggregation/aggregate-in-worker.js';
export type {
  AggregationProgress,
  AggregationRequestInput,
  AggregationResult,
  UpdateNorm,
} from './aggregation/aggregation-request.js';
export { UpdateVerifier, type ExpectedUpdate, type VerifiedUpdate } from './verification/update-verifier.js';
