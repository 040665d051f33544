// Side data by digest: tables of contents, cache records and the like, one small file each, below
// `wherry/records/<kind>/<algorithm>/<encoded>`. They can all be made again, so nothing depends on one being there.
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  algorithmOf,
  type ChainId,
  type DiffId,
  type Digest,
  encodedOf,
  isDigest,
  parseDigest,
} from '../oci/digest.ts';
import { ioError, isSystemError, makeFolder, namesIn, readIfThere, writeAtomically } from './files.ts';

/** What a record may be keyed by. */
export type RecordKey = Digest | DiffId | ChainId;

/** Records of one kind. Keys are digests; others throw DIGEST_INVALID. Errors of the disk: IO_FAILED */
export interface Records {
  get(key: RecordKey): Promise<Uint8Array | undefined>;
  /** Replaces the record as a whole. */
  put(key: RecordKey, bytes: Uint8Array): Promise<void>;
  /** False where there was none. */
  delete(key: RecordKey): Promise<boolean>;
  /** All keys, in no order. */
  keys(): AsyncIterable<Digest>;
}

/** Records in the folder `path`, which is made when one is put. */
export function createRecords(path: string, temporary: () => Promise<string>): Records {
  const pathOf = (key: RecordKey): string => {
    const digest = parseDigest(key);
    return join(path, algorithmOf(digest), encodedOf(digest));
  };
  return {
    get: async (key) => {
      const bytes = await readIfThere(pathOf(key));
      // After a power cut a file may be there without its content.
      return bytes === undefined || bytes.byteLength === 0 ? undefined : bytes;
    },
    put: async (key, bytes) => {
      const file = pathOf(key);
      await makeFolder(dirname(file), 0o700);
      await writeAtomically(file, bytes, { temporary: await temporary(), mode: 0o600 });
    },
    delete: async (key) => {
      const file = pathOf(key);
      try {
        await unlink(file);
        return true;
      } catch (cause) {
        if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return false;
        throw ioError(cause, 'remove', file);
      }
    },
    keys: async function* () {
      for (const algorithm of await namesIn(path)) {
        for (const encoded of await namesIn(join(path, algorithm))) {
          const digest = `${algorithm}:${encoded}`;
          if (isDigest(digest)) yield digest;
        }
      }
    },
  };
}
