import { openEngine } from '../open-engine.js';
import { describeAgreement } from './agreement-suite.spec-support.js';

describeAgreement('the recorded graph in ONNX Runtime', () => openEngine({ name: 'onnx', threads: 1 }));
