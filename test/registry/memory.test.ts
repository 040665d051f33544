import { createMemoryRegistry } from '../../registry/memory.ts';
import { registrySuite } from './suite.ts';

registrySuite('memory', async () => ({ registry: createMemoryRegistry(), close: async () => undefined }));
