import { test } from 'uvu';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import { blobStoreSuite } from './suite.ts';

blobStoreSuite('memory', async () => ({ blobs: createMemoryBlobs(), close: async () => undefined }));

test.run();
