import './telemetry-off.js';

/** ONNX Runtime, loaded with its reports to its maker off: the only import of its package outside tests. */
export { InferenceSession, Tensor } from 'onnxruntime-node';
