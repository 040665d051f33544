// --output → Output: a CSV record `type=…,key=value,…`, or the short forms DIR (files) and `-` (a tar on standard output).
// BuildKit's exporters and their keys; a key that is not there yet, or means something else than what happens, is refused.
import type { AnnotationOption, ImageOutputOptions, Output } from '../../build/options.ts';
import { didYouMean, WherryError } from '../../errors.ts';
import { parseReference, type Reference } from '../../oci/reference.ts';
import { parseAnnotationKey } from './annotation.ts';
import { parseCsv, parsePairs } from './csv.ts';

/** An output, and what its keys ask of the whole build. */
export interface ParsedOutput {
  readonly output: Output;
  readonly annotations: readonly AnnotationOption[];
  /** `registry.insecure=true`. */
  readonly insecure: boolean;
  /** `source-date-epoch=N`. */
  readonly timestamp?: string;
}

const types = ['image', 'registry', 'oci', 'docker', 'local', 'tar', 'cacheonly'] as const;
type OutputType = (typeof types)[number];

const imageKeys = [
  'name',
  'compression',
  'compression-level',
  'oci-mediatypes',
  'source-date-epoch',
  'rewrite-timestamp',
  'force-compression',
  'attestation-inline',
  'oci-artifact',
  'prefer-nondist-layers',
];
const storeKeys = ['push', 'push-by-digest', 'registry.insecure', 'unpack', 'store', 'name-canonical'];
const keys: Readonly<Record<OutputType, readonly string[]>> = {
  image: [...imageKeys, ...storeKeys],
  registry: [...imageKeys, ...storeKeys],
  oci: [...imageKeys, 'dest', 'tar'],
  docker: [...imageKeys, 'dest', 'tar'],
  local: ['dest', 'platform-split', 'mode', 'source-date-epoch'],
  tar: ['dest', 'platform-split', 'source-date-epoch'],
  cacheonly: [],
};

/** Keys that are accepted only with the value that says what happens anyway. */
const fixed: Readonly<Record<string, string>> = {
  'force-compression': 'false',
  'attestation-inline': 'false',
  'oci-artifact': 'true',
  'prefer-nondist-layers': 'false',
  'rewrite-timestamp': 'true',
  unpack: 'false',
  store: 'true',
  'name-canonical': 'false',
  mode: 'copy',
};
const otherKeys = ['context', 'dangling-name-prefix', 'compatibility-version', 'attestation-prefix'];

/** One `--output`. @throws ARGUMENT_INVALID, UNIMPLEMENTED, REFERENCE_INVALID */
export function parseOutput(text: string): ParsedOutput {
  const fields = parseCsv(text, '--output');
  const only = fields[0] ?? '';
  const plain = { annotations: [], insecure: false };
  if (text === '-') return { ...plain, output: { kind: 'tar', dest: '-' } };
  if (fields.length === 1 && !only.includes('=')) {
    if (only === '') throw bad(text, 'it is empty');
    return { ...plain, output: { kind: 'local', dest: only } };
  }
  const pairs = parsePairs(text, '--output');
  const type = types.find((each) => each === pairs.get('type'));
  if (type === undefined) {
    const given = pairs.get('type');
    throw bad(
      text,
      given === undefined ? 'it has no type' : `unknown type "${given}"${didYouMean(given, types)}`,
      `Want type=${types.join('|')}.`,
    );
  }
  const annotations = checkKeys(pairs, type, text);
  const timestamp = pairs.get('source-date-epoch');
  const output = outputOf(type, pairs, text);
  return {
    output,
    annotations,
    insecure: flagOf(pairs, 'registry.insecure', text) ?? false,
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

function checkKeys(pairs: ReadonlyMap<string, string>, type: OutputType, text: string): readonly AnnotationOption[] {
  const annotations: AnnotationOption[] = [];
  for (const [key, value] of pairs) {
    if (key === 'type') continue;
    const isImage = type !== 'local' && type !== 'tar' && type !== 'cacheonly';
    const annotation = isImage ? parseAnnotationKey(key, value) : undefined;
    if (annotation !== undefined) annotations.push(annotation);
    else if (otherKeys.includes(key))
      throw new WherryError('UNIMPLEMENTED', `output key "${key}" is not implemented in this version`);
    else if (!keys[type].includes(key))
      throw bad(text, `type=${type} has no key "${key}"${didYouMean(key, keys[type])}`);
    const wanted = fixed[key];
    if (wanted !== undefined && normal(value) !== wanted)
      throw new WherryError('UNIMPLEMENTED', `output ${key}=${value} is not implemented in this version`, {
        hint: `${key}=${wanted} is what happens.`,
      });
  }
  return annotations;
}

function outputOf(type: OutputType, pairs: ReadonlyMap<string, string>, text: string): Output {
  const names = namesOf(pairs);
  const named = names.length === 0 ? {} : { names };
  switch (type) {
    case 'image':
    case 'registry': {
      const push = type === 'registry' ? (flagOf(pairs, 'push', text) ?? true) : (flagOf(pairs, 'push', text) ?? false);
      const pushByDigest = flagOf(pairs, 'push-by-digest', text);
      return {
        kind: 'image',
        push,
        ...(pushByDigest === undefined ? {} : { pushByDigest }),
        ...named,
        options: imageOptions(pairs, text),
      };
    }
    case 'oci':
      return {
        kind: 'oci',
        dest: destOf(pairs, type, text),
        tar: flagOf(pairs, 'tar', text) ?? true,
        ...named,
        options: imageOptions(pairs, text),
      };
    case 'docker':
      if (flagOf(pairs, 'tar', text) === false)
        throw new WherryError('UNIMPLEMENTED', 'output type=docker,tar=false is not implemented in this version', {
          hint: 'Use type=oci,tar=false for a directory.',
        });
      return { kind: 'docker', dest: destOf(pairs, type, text), ...named, options: imageOptions(pairs, text) };
    case 'local':
    case 'tar': {
      const platformSplit = flagOf(pairs, 'platform-split', text);
      return { kind: type, dest: destOf(pairs, type, text), ...(platformSplit === undefined ? {} : { platformSplit }) };
    }
    case 'cacheonly':
      return { kind: 'cacheonly' };
  }
}

function namesOf(pairs: ReadonlyMap<string, string>): readonly Reference[] {
  const text = pairs.get('name') ?? '';
  return text === '' ? [] : text.split(',').map((name) => parseReference(name.trim()));
}

function destOf(pairs: ReadonlyMap<string, string>, type: OutputType, text: string): string {
  const dest = pairs.get('dest') ?? '';
  if (dest !== '') return dest;
  const hint =
    type === 'docker'
      ? 'Add dest=FILE and give it to "docker load", or dest=- and pipe it.'
      : `Add dest=${type === 'local' ? 'DIR' : 'FILE'}.`;
  throw bad(text, `dest is required for type=${type}`, hint);
}

function imageOptions(pairs: ReadonlyMap<string, string>, text: string): ImageOutputOptions {
  const compression = pairs.get('compression') ?? 'gzip';
  if (['zstd', 'estargz'].includes(compression))
    throw new WherryError('UNIMPLEMENTED', `output compression=${compression} is not implemented in this version`, {
      hint: 'Want gzip or uncompressed.',
    });
  if (compression !== 'gzip' && compression !== 'uncompressed')
    throw bad(text, `unknown compression "${compression}"`, 'Want gzip or uncompressed.');
  const level = pairs.get('compression-level');
  if (level !== undefined && !/^[1-9]$/.test(level))
    throw bad(
      text,
      `compression-level "${level}" is not 1 to 9`,
      level === '0' ? 'Use compression=uncompressed.' : undefined,
    );
  return {
    ociMediaTypes: flagOf(pairs, 'oci-mediatypes', text) ?? true,
    compression: compression === 'gzip' ? 'gzip' : 'none',
    ...(level === undefined ? {} : { compressionLevel: Number(level) }),
  };
}

function normal(value: string): string {
  if (/^(1|t|true)$/i.test(value)) return 'true';
  return /^(0|f|false)$/i.test(value) ? 'false' : value;
}

function flagOf(pairs: ReadonlyMap<string, string>, key: string, text: string): boolean | undefined {
  const value = pairs.get(key);
  if (value === undefined) return undefined;
  const known = normal(value);
  if (known !== 'true' && known !== 'false') throw bad(text, `${key}=${value} is neither true nor false`);
  return known === 'true';
}

function bad(text: string, why: string, hint?: string): WherryError {
  return new WherryError('ARGUMENT_INVALID', `invalid value for --output: "${text}": ${why}`, { hint });
}
