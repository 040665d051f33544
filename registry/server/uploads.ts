// Upload sessions: each has one blob under way and one offset, which is how much has been written. A session belongs to its
// repository, ends when it is idle for too long, and serves one request at a time.
import { randomUUID } from 'node:crypto';
import { WherryError } from '../../src/errors.ts';
import type { Algorithm } from '../../src/oci/digest.ts';
import type { BlobWriter } from '../../src/store/blob-store.ts';
import type { Backend } from '../backend.ts';

/** An upload under way. */
export interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly writer: BlobWriter;
}

/** The open sessions of a server. */
export interface Uploads {
  /** @throws TOOMANYREQUESTS when too many are open */
  start(repository: string, algorithm?: Algorithm): Promise<Upload>;
  /** @throws BLOB_UPLOAD_UNKNOWN */
  find(repository: string, id: string): Upload;
  /** Runs `work` alone on the session. @throws BLOB_UPLOAD_UNKNOWN, LOCK_TIMEOUT while another request has it */
  use<T>(repository: string, id: string, work: (upload: Upload) => Promise<T>): Promise<T>;
  /** Ends a session; what was not committed is dropped. */
  end(upload: Upload): Promise<void>;
  /** Ends all. */
  close(): Promise<void>;
}

/** Limits of the sessions. */
export interface UploadLimits {
  /** Sessions open at once. */
  readonly count: number;
  /** Milliseconds without a request after which a session ends. */
  readonly idle: number;
}

interface Session extends Upload {
  isBusy: boolean;
  touched: number;
}

/** No sessions yet. */
export function createUploads(backend: Pick<Backend, 'createBlob'>, limits: UploadLimits): Uploads {
  const sessions = new Map<string, Session>();
  let starting = 0;
  const end = async (upload: Upload): Promise<void> => {
    sessions.delete(upload.id);
    await upload.writer.abort();
  };
  const purge = async (): Promise<void> => {
    const before = Date.now() - limits.idle;
    for (const session of sessions.values()) if (!session.isBusy && session.touched < before) await end(session);
  };
  const timer = setInterval(() => void purge().catch(() => undefined), Math.max(50, Math.min(limits.idle, 60_000)));
  timer.unref();
  const find = (repository: string, id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined || session.repository !== repository)
      throw new WherryError('BLOB_UPLOAD_UNKNOWN', 'Cannot continue upload: its session is unknown', {
        hint: 'Start a new upload.',
      });
    session.touched = Date.now();
    return session;
  };
  return {
    find,
    end,
    start: async (repository, algorithm) => {
      if (sessions.size + starting >= limits.count)
        throw new WherryError('TOOMANYREQUESTS', 'Cannot start upload: too many are open');
      starting++;
      try {
        const session: Session = {
          id: randomUUID(),
          repository,
          writer: await backend.createBlob(repository, algorithm),
          isBusy: false,
          touched: Date.now(),
        };
        sessions.set(session.id, session);
        return session;
      } finally {
        starting--;
      }
    },
    use: async (repository, id, work) => {
      const session = find(repository, id);
      if (session.isBusy)
        throw new WherryError('LOCK_TIMEOUT', 'Cannot continue upload: another request is writing to its session', {
          hint: 'Ask for its status.',
        });
      session.isBusy = true;
      try {
        return await work(session);
      } finally {
        session.isBusy = false;
        session.touched = Date.now();
      }
    },
    close: async () => {
      clearInterval(timer);
      for (const session of [...sessions.values()]) await end(session);
    },
  };
}
