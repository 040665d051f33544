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

/** The open sessions of a server. */
export class Uploads {
  readonly #backend: Pick<Backend, 'createBlob'>;
  readonly #limits: UploadLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #timer: NodeJS.Timeout;
  #starting = 0;

  constructor(backend: Pick<Backend, 'createBlob'>, limits: UploadLimits) {
    this.#backend = backend;
    this.#limits = limits;
    const every = Math.max(50, Math.min(limits.idle, 60_000));
    this.#timer = setInterval(() => void this.#endIdle().catch(() => undefined), every);
    this.#timer.unref();
  }

  /** @throws TOOMANYREQUESTS when too many are open */
  async start(repository: string, algorithm?: Algorithm): Promise<Upload> {
    if (this.#sessions.size + this.#starting >= this.#limits.count)
      throw new WherryError('TOOMANYREQUESTS', 'Cannot start upload: too many are open');
    this.#starting++;
    try {
      const writer = await this.#backend.createBlob(repository, algorithm);
      const session: Session = { id: randomUUID(), repository, writer, isBusy: false, touched: Date.now() };
      this.#sessions.set(session.id, session);
      return session;
    } finally {
      this.#starting--;
    }
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  find(repository: string, id: string): Upload {
    return this.#find(repository, id);
  }

  /** Runs `work` alone on the session. @throws BLOB_UPLOAD_UNKNOWN, LOCK_TIMEOUT while another request has it */
  async use<T>(repository: string, id: string, work: (upload: Upload) => Promise<T>): Promise<T> {
    const session = this.#find(repository, id);
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
  }

  /** Ends a session; what was not committed is dropped. */
  async end(upload: Upload): Promise<void> {
    this.#sessions.delete(upload.id);
    await upload.writer.abort();
  }

  /** Ends all. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of [...this.#sessions.values()]) await this.end(session);
  }

  #find(repository: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined || session.repository !== repository)
      throw new WherryError('BLOB_UPLOAD_UNKNOWN', 'Cannot continue upload: its session is unknown', {
        hint: 'Start a new upload.',
      });
    session.touched = Date.now();
    return session;
  }

  async #endIdle(): Promise<void> {
    const before = Date.now() - this.#limits.idle;
    for (const session of this.#sessions.values())
      if (!session.isBusy && session.touched < before) await this.end(session);
  }
}
