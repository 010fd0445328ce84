#!/usr/bin/env node
import { say, setUp, SetupError } from './steps.mjs';

try {
  await setUp();
  say('Set up. Next: npm run demo');
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
