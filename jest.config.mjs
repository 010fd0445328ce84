// ONNX Runtime reads it when it is loaded; jest's workers inherit it, their modules see only a copy of the environment.
process.env.ORT_DISABLE_TELEMETRY = '1';

const swc = [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'es6' },
    jsc: {
      target: 'es2024',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
  },
];

const base = {
  rootDir: import.meta.dirname,
  testEnvironment: '<rootDir>/test/support/shared-arrays-environment.mjs',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
  transform: { '^.+\\.ts$': swc },
};

/** Units lie beside the source; `medium` needs PostgreSQL; `e2e` starts real processes; `slow` is what `npm run test:slow` adds. */
export default {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts', '<rootDir>/test/architecture/*.spec.ts'],
    },
    { ...base, displayName: 'medium', testMatch: ['<rootDir>/test/medium/**/*.spec.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'] },
    { ...base, displayName: 'slow', testMatch: ['<rootDir>/test/slow/**/*.spec.ts'] },
  ],
};
