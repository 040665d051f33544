// The value of `RUN --mount=` in, a `Mount` out: once when the file is parsed, with variables left alone, and once when the
// stage's environment is known. Dockerfile reference, "RUN --mount"; messages are BuildKit's.
import { didYouMean, WherryError } from '../errors.ts';
import { given } from './given.ts';
import type { Mount } from './instruction.ts';
import { parseBoolean, parseUnsigned } from './number.ts';
import { goQuote } from './quote.ts';
import { parseCsv } from './syntax/csv.ts';

type Draft = { -readonly [K in keyof Mount]?: Mount[K] | undefined };

interface Reading {
  readonly draft: Draft;
  /** Undefined while variables are not known. */
  readonly expand: ((word: string) => string) | undefined;
  /** True once `type` turned out to hold a variable: what depends on the type is then checked by `expandMount`. */
  variableType: boolean;
}

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharings = ['shared', 'private', 'locked'] as const;
const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
};
const keys = [
  ...['type', 'from', 'source', 'target', 'readonly', 'id', 'sharing', 'required', 'size', 'mode', 'uid', 'gid'],
  ...['src', 'dst', 'destination', 'ro', 'rw', 'readwrite', 'env'],
];

/** A mount as written. DOCKERFILE_INVALID for unknown keys and types, bad values, and keys that the type does not have. */
export function parseMount(text: string): Mount {
  return readMount(text, undefined);
}

/** The mount with all its values expanded and checked: `mode`, `uid`, `gid` are numbers then, `size` has a unit or none. */
export function expandMount(mount: Mount, expand: (word: string) => string): Mount {
  return readMount(mount.text, expand);
}

/** Bytes of a size such as `64m`, `1.5g` or `1024`; units are powers of 1024. DOCKERFILE_INVALID for other text. */
export function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) throw invalid(`invalid value for size: ${text}`);
  const power = ['', 'k', 'm', 'g', 't', 'p'].indexOf((match[2] ?? '').toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

function readMount(text: string, expand: Reading['expand']): Mount {
  const reading: Reading = { draft: {}, expand, variableType: false };
  for (const field of parseCsv(text, 'mounts')) readField(reading, field);
  const { draft } = reading;
  const { type = 'bind', ...others } = draft;
  const mount: Mount = { ...given(others), text, type };
  if (!reading.variableType) checkTogether(mount);
  return mount;
}

function readField(reading: Reading, field: string): void {
  const equals = field.indexOf('=');
  const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
  if (equals < 0) {
    readFlag(reading, key, field);
    return;
  }
  const written = field.slice(equals + 1);
  if (key === 'from' && reading.expand === undefined && /\$./s.test(written)) {
    throw new WherryError(
      'DOCKERFILE_INVALID',
      "'from' doesn't support variable expansion, define alias stage instead",
      {
        hint: 'Add a stage "FROM $NAME AS alias" and mount from=alias.',
      },
    );
  }
  if (!keys.includes(key)) throw invalid(`unexpected key '${key}' in '${field}'${didYouMean(key, keys)}`);
  const value = key === 'from' || reading.expand === undefined ? written : reading.expand(written);
  setValue(reading, key, value);
}

/** A key without a value. */
function readFlag(reading: Reading, key: string, field: string): void {
  if (key === 'readonly' || key === 'ro') reading.draft.readonly = true;
  else if (key === 'readwrite' || key === 'rw') reading.draft.readonly = false;
  else if (key === 'required') setRequired(reading, true);
  else throw invalid(`invalid field '${field}' must be a key=value pair`);
}

function setValue(reading: Reading, key: string, value: string): void {
  const { draft } = reading;
  switch (aliases[key] ?? key) {
    case 'type':
      setType(reading, value);
      break;
    case 'source':
      draft.source = value;
      break;
    case 'target':
      draft.target = value;
      break;
    case 'readonly':
      draft.readonly = booleanOf(reading, key, value);
      break;
    case 'readwrite': {
      const writable = booleanOf(reading, key, value);
      draft.readonly = writable === undefined ? undefined : !writable;
      break;
    }
    case 'required':
      setRequired(reading, booleanOf(reading, key, value));
      break;
    case 'sharing':
      setSharing(reading, value);
      break;
    case 'size':
      checkKey(reading, 'size', ['tmpfs']);
      if (!isOpen(reading, value)) parseSize(value);
      draft.size = value;
      break;
    default:
      if (key === 'mode' || key === 'uid' || key === 'gid') draft[key] = checkedNumber(reading, key, value);
      else if (key === 'from' || key === 'id' || key === 'env') draft[key] = value;
  }
}

/** True for a value whose meaning is not known yet. */
function isOpen(reading: Reading, value: string): boolean {
  return reading.expand === undefined && /[$'"\\`]/.test(value);
}

function setType(reading: Reading, value: string): void {
  reading.variableType = isOpen(reading, value);
  const type = types.find((name) => name === value.toLowerCase());
  if (type === undefined && !reading.variableType) {
    throw invalid(`unsupported mount type ${goQuote(value)}${didYouMean(value, types)}`);
  }
  reading.draft.type = type;
}

function setSharing(reading: Reading, value: string): void {
  const sharing = sharings.find((name) => name === value.toLowerCase());
  if (sharing === undefined && !isOpen(reading, value)) {
    throw invalid(`unsupported sharing value ${goQuote(value)}${didYouMean(value, sharings)}`);
  }
  reading.draft.sharing = sharing;
}

function setRequired(reading: Reading, value: boolean | undefined): void {
  checkKey(reading, 'required', ['secret', 'ssh']);
  reading.draft.required = value;
}

/** BuildKit reads from left to right: such a key must come after its type. */
function checkKey(reading: Reading, key: string, allowed: readonly string[]): void {
  const type = reading.draft.type ?? 'bind';
  if (!reading.variableType && !allowed.includes(type))
    throw invalid(`unexpected key '${key}' for mount type '${type}'`);
}

function booleanOf(reading: Reading, key: string, value: string): boolean | undefined {
  const answer = parseBoolean(value);
  if (answer === undefined && !isOpen(reading, value)) throw invalid(`invalid value for ${key}: ${value}`);
  return answer;
}

function checkedNumber(reading: Reading, key: 'mode' | 'uid' | 'gid', value: string): string {
  const number = parseUnsigned(value, key === 'mode' ? 8 : 10, 32);
  if (typeof number !== 'number' && !isOpen(reading, value)) throw invalid(`invalid value ${value} for ${key}`);
  return value;
}

function checkTogether(mount: Mount): void {
  if (mount.type === 'bind' || mount.type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const) {
      if (mount[key] !== undefined) throw invalid(`${key} not allowed for "${mount.type}" type mounts`);
    }
  }
  if (mount.type === 'secret') checkSecret(mount);
  if (mount.type === 'ssh' && mount.source) throw invalid('ssh does not support source');
  if (mount.sharing !== undefined && mount.type !== 'cache') {
    throw invalid(`invalid cache sharing set for ${mount.type} mount`);
  }
}

function checkSecret(mount: Mount): void {
  if (mount.from) throw invalid('secret mount should not have a from');
  if (mount.sharing !== undefined) throw invalid('secret mount should not define sharing');
  if (!mount.source && !mount.target && !mount.id)
    throw invalid('invalid secret mount. one of source, target required');
  if (mount.source && mount.id) throw invalid("both source and id can't be set");
}

function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason);
}
