// The two kinds of range in the protocol: `Range` of a download (RFC 9110, section 14.2) and `Content-Range` of a chunk of
// an upload (distribution spec, "Pushing a blob in chunks": `<start>-<end>`, both included). Pure.
import { WherryError } from '../../src/errors.ts';

/** Bytes from `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The one range that a header asks for, cut to `size`. Undefined where the whole is to be sent: no header, another unit, a
 * malformed range, or several. @throws RANGE_INVALID for a range outside of the blob
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*$/i.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (match === null || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  const isEmptySuffix = from === '' && Number(to) === 0;
  if (start >= size || end < start || isEmptySuffix)
    throw new WherryError('RANGE_INVALID', `Cannot send bytes "${from}-${to}": the blob has ${size} bytes`);
  return { start, end };
}

/** A chunk's `Content-Range`; undefined without one. @throws BLOB_UPLOAD_INVALID */
export function parseContentRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  // Some clients write it as HTTP has it: "bytes 0-9/*".
  const [, start, end] = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]+|\*))?$/.exec(header.trim()) ?? [];
  if (start === undefined || end === undefined || Number(end) < Number(start))
    throw new WherryError('BLOB_UPLOAD_INVALID', `Cannot read Content-Range "${header.slice(0, 100)}": want START-END`);
  return { start: Number(start), end: Number(end) };
}

/** The `Range` of an upload with this many bytes; of an empty one "0-0", which is what clients know. */
export function formatProgress(size: number): string {
  return `0-${Math.max(0, size - 1)}`;
}
