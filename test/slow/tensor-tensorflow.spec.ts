import { describe, it } from '@jest/globals';
import { openEngine } from '@tributary/tensor';
import { tensorflowInstallation } from '@tributary/tensor/engines/tensorflow/installation';
import { describeAgreement } from '../../libs/tensor/src/agreement/agreement-suite.spec-support.js';

const installation = tensorflowInstallation();

if (installation.isInstalled) {
  describeAgreement('the recorded graph in TensorFlow', () => openEngine({ name: 'tensorflow', threads: 2 }));
} else {
  describe.skip(`skipped: ${installation.reason}`, () => {
    it('agrees with tfjs', () => undefined);
  });
}
