import { benchAggregation } from '@tributary/federation/bench/bench-aggregation';
import { strategySchema } from '@tributary/protocol/strategy';
import { z } from 'zod';
import { HashThread } from './hashing/hash-thread.js';

const optionsSchema = z.object({
  modelBytes: z.int(),
  sites: z.int(),
  strategy: strategySchema,
  directory: z.string(),
  repeats: z.int(),
});

// One aggregation in a process of its own, so that its peak memory is its own.
const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const hashing = new HashThread();
process.stdout.write(JSON.stringify(await benchAggregation(options, hashing)));
await hashing.terminate();
