// The one error class, and the table that gives each code its exit status (command line) and its HTTP status (embedded
// registry). Codes of the registry protocol are the wire codes of the OCI distribution spec, "Error Codes", verbatim.

/** A position in a text: `line` counts from 1, `character` from 0 (UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** A named text (a Dockerfile, an ignore file) that errors and warnings can point into. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Lines `start.line` to `end.line`, both included, of a source file. */
export interface SourceRange {
  readonly file: SourceFile;
  readonly start: Position;
  readonly end: Position;
}

interface CodeFacts {
  /** Exit status of the command: 1 failed, 2 usage, 3 not found, 4 denied, 130 interrupted. */
  readonly exit: 1 | 2 | 3 | 4 | 130;
  /** Status of an HTTP answer that carries this error. */
  readonly status: number;
}

const facts = {
  // OCI distribution spec
  BLOB_UNKNOWN: { exit: 3, status: 404 },
  BLOB_UPLOAD_INVALID: { exit: 1, status: 400 },
  BLOB_UPLOAD_UNKNOWN: { exit: 3, status: 404 },
  DIGEST_INVALID: { exit: 1, status: 400 },
  MANIFEST_BLOB_UNKNOWN: { exit: 1, status: 404 },
  MANIFEST_INVALID: { exit: 1, status: 400 },
  MANIFEST_UNKNOWN: { exit: 3, status: 404 },
  NAME_INVALID: { exit: 2, status: 400 },
  NAME_UNKNOWN: { exit: 3, status: 404 },
  SIZE_INVALID: { exit: 1, status: 400 },
  UNAUTHORIZED: { exit: 4, status: 401 },
  DENIED: { exit: 4, status: 403 },
  UNSUPPORTED: { exit: 1, status: 405 },
  TOOMANYREQUESTS: { exit: 1, status: 429 },
  RANGE_INVALID: { exit: 1, status: 416 },
  // ours
  ABORTED: { exit: 130, status: 499 },
  ARCHIVE_INVALID: { exit: 1, status: 400 },
  ARGUMENT_INVALID: { exit: 2, status: 400 },
  CHECKSUM_MISMATCH: { exit: 1, status: 400 },
  CONFIG_INVALID: { exit: 1, status: 400 },
  CONTEXT_NOT_FOUND: { exit: 3, status: 404 },
  COPY_FAILED: { exit: 1, status: 400 },
  CREDENTIALS_FAILED: { exit: 4, status: 401 },
  DIGEST_MISMATCH: { exit: 1, status: 400 },
  DOCKERFILE_INVALID: { exit: 1, status: 400 },
  DOCKERFILE_NOT_FOUND: { exit: 3, status: 404 },
  DOWNLOAD_FAILED: { exit: 1, status: 502 },
  IGNORE_FILE_INVALID: { exit: 1, status: 400 },
  IO_FAILED: { exit: 1, status: 500 },
  LOCK_TIMEOUT: { exit: 1, status: 409 },
  NETWORK_FAILED: { exit: 1, status: 502 },
  OUTPUT_FAILED: { exit: 1, status: 500 },
  PLATFORM_UNKNOWN: { exit: 3, status: 404 },
  PROTOCOL_INVALID: { exit: 1, status: 502 },
  REFERENCE_INVALID: { exit: 2, status: 400 },
  SOURCE_NOT_FOUND: { exit: 3, status: 404 },
  STORE_INVALID: { exit: 1, status: 500 },
  TARGET_NOT_FOUND: { exit: 3, status: 404 },
  TOO_LARGE: { exit: 1, status: 413 },
  UNIMPLEMENTED: { exit: 2, status: 501 },
} as const satisfies Record<string, CodeFacts>;

/** What went wrong, as data. */
export type Code = keyof typeof facts;

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** The next step for the user, one sentence. */
  readonly hint?: string | undefined;
  /** Machine-readable facts, e.g. the `detail` of a registry's error. Never a secret. */
  readonly detail?: unknown;
  readonly range?: SourceRange | undefined;
  readonly cause?: unknown;
}

/** Every failure that a user can meet. Programming mistakes are `TypeError` or `RangeError` instead. */
export class WherryError extends Error {
  override readonly name = 'WherryError';
  readonly code: Code;
  readonly hint?: string;
  readonly detail?: unknown;
  readonly range?: SourceRange;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.hint !== undefined) this.hint = details.hint;
    if (details.detail !== undefined) this.detail = details.detail;
    if (details.range !== undefined) this.range = details.range;
  }
}

/** Exit status and HTTP status of a code. */
export function factsOf(code: Code): CodeFacts {
  return facts[code];
}

/** True for a string that is one of our codes (e.g. one that came over the wire). */
export function isCode(value: string): value is Code {
  return Object.hasOwn(facts, value);
}

/** True for a WherryError of one of these codes (of any code when none is given). */
export function isError(error: unknown, ...codes: Code[]): error is WherryError {
  return error instanceof WherryError && (codes.length === 0 || codes.includes(error.code));
}

/** The same error, pointing at `range`. An error that already has a range keeps its own. */
export function withRange(error: unknown, range: SourceRange): unknown {
  if (!(error instanceof WherryError) || error.range !== undefined) return error;
  return new WherryError(error.code, error.message, {
    hint: error.hint,
    detail: error.detail,
    range,
    cause: error.cause ?? error,
  });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** As `messageOf`; of a system error only the reason, such as "permission denied", without code, call and paths. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return message;
  return /^[A-Z0-9_]+: ([^,]+)/.exec(message)?.[1] ?? message;
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}

/**
 * " (did you mean X?)" for the nearest candidate by edit distance, or "" when none is near (case is ignored). Near is a
 * distance of two at most, and less than half of the word; or what the word begins. Two neighbours that changed places
 * are one edit.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  if (wanted === '') return '';
  let bestDistance = 3;
  for (const candidate of candidates) {
    const other = candidate.toLowerCase();
    const distance = editDistance(wanted, other);
    const isNear = distance < Math.min(2, wanted.length) || distance * 2 < wanted.length || other.startsWith(wanted);
    if (isNear && distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

/** Damerau's distance, in which no part is edited twice ("optimal string alignment"). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution, swap));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
