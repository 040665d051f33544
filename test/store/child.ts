// What the tests of several processes start: opens a store and does one thing with it, in a loop.
import { openStore } from '../../src/store/store.ts';

const [root = '', task = '', name = '', count = '0'] = process.argv.slice(2);
const store = await openStore(root);
process.stdout.write('ready\n');

async function writeBlobs(): Promise<void> {
  for (let i = 0; i < Number(count); i++) {
    const writer = await store.blobs.create();
    const chunk = Buffer.alloc(100_000, `blob ${i} `);
    for (let j = 0; j < 5; j++) await writer.write(chunk);
    const { digest, size } = await writer.commit();
    await store.setName(`${name}-${i}`, { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size });
  }
}

async function countUnderLock(): Promise<void> {
  const { readFile, writeFile } = await import('node:fs/promises');
  for (let i = 0; i < Number(count); i++) {
    const lock = await store.lock('counter');
    const before = Number(await readFile(`${root}/counter`, 'utf8').catch(() => '0'));
    await writeFile(`${root}/counter`, String(before + 1));
    await lock.release();
  }
}

switch (task) {
  case 'write':
    await writeBlobs();
    break;
  case 'count':
    await countUnderLock();
    break;
  case 'hold': {
    await store.lock(name);
    await store.temporary();
    process.stdout.write('held\n');
    setInterval(() => undefined, 1000);
    break;
  }
  default:
    throw new Error(`unknown task ${task}`);
}
if (task !== 'hold') await store.close();
