export { type EngineChoice, type EngineExtras, openChoice } from './open-choice.js';
export { chooseEngine, type EngineOptions, openEngine } from './open-engine.js';
export { type EngineProbe, probeEngines } from './probe-engines.js';
