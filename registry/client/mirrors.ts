// Mirrors: other hosts that have what a registry has, asked before it when something is read. Here they are parsed, from
// the command line and from the user's configuration file, which also names insecure hosts.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { didYouMean, messageOf, WherryError } from '../../src/errors.ts';
import { isRepository } from '../../src/oci/reference.ts';

/** `host/prefix/repository` mirrors `registry/repository`. */
export interface Mirror {
  /** As in references: Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Host with port. */
  readonly host: string;
  /** Put before repositories; "" for none. */
  readonly prefix: string;
}

/** What the user's configuration file says about registries. */
export interface ClientConfig {
  readonly mirrors: readonly Mirror[];
  /** Hosts (`host[:port]`) that may be spoken to without a verified certificate, or in plain HTTP. */
  readonly insecure: readonly string[];
  /** Token servers that may see a registry's credentials though they do not belong to it, by the registry's host. */
  readonly realms: ReadonlyMap<string, readonly string[]>;
}

const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[A-Fa-f0-9:]+\])(?::[0-9]{1,5})?$/;

/** True for `host` or `host:port`. */
export function isHost(text: string): boolean {
  return hostPattern.test(text) && URL.canParse(`https://${text}`);
}

/** `docker.io=HOST[:PORT][/PREFIX]` → Mirror. @throws ARGUMENT_INVALID */
export function parseMirror(text: string): Mirror {
  const equals = text.indexOf('=');
  const mirror = equals < 0 ? undefined : mirrorFrom(text.slice(0, equals), text.slice(equals + 1));
  if (mirror !== undefined) return mirror;
  throw new WherryError(
    'ARGUMENT_INVALID',
    `Cannot use mirror "${text}": it is not of the form registry=host[:port][/prefix]`,
    {
      hint: 'For example: docker.io=mirror.example.com:5000/hub',
    },
  );
}

function mirrorFrom(registry: string, place: string): Mirror | undefined {
  const slash = place.indexOf('/');
  const host = slash < 0 ? place : place.slice(0, slash);
  const prefix = slash < 0 ? '' : place.slice(slash + 1).replace(/\/$/, '');
  if (!isHost(registry) || !isHost(host) || (prefix !== '' && !isRepository(prefix))) return undefined;
  return { registry: registry === 'index.docker.io' ? 'docker.io' : registry, host, prefix };
}

/** Where the user's configuration file is. */
function clientConfigPath(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'wherry', 'config.json');
}

/** Reads the user's configuration file; empty where there is none. @throws CONFIG_INVALID */
export async function readClientConfig(env: NodeJS.ProcessEnv): Promise<ClientConfig> {
  const path = clientConfigPath(env);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) text = '{}';
    else throw new WherryError('CONFIG_INVALID', `Cannot read configuration "${path}": ${messageOf(cause)}`, { cause });
  }
  return parseClientConfig(text, path);
}

const knownKeys = ['mirrors', 'insecure', 'realms'];

/** Text of a configuration file → values. `name` is for messages. @throws CONFIG_INVALID */
export function parseClientConfig(text: string, name: string): ClientConfig {
  const invalid = (why: string): WherryError =>
    new WherryError('CONFIG_INVALID', `Cannot use configuration "${name}": ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`it is not valid JSON: ${messageOf(cause)}`);
  }
  const fields = objectFrom(value);
  if (fields === undefined) throw invalid('it is not a JSON object');
  for (const key of Object.keys(fields))
    if (!knownKeys.includes(key)) throw invalid(`unknown key "${key}"${didYouMean(key, knownKeys)}`);
  const mirrors = listsFrom(fields['mirrors'] ?? {});
  if (mirrors === undefined) throw invalid('"mirrors" is not an object of lists of text');
  const realms = listsFrom(fields['realms'] ?? {});
  if (realms === undefined || [...realms.values()].flat().some((host) => !isHost(host)))
    throw invalid('"realms" is not an object of lists of hosts');
  const insecure = listFrom(fields['insecure'] ?? []);
  if (insecure === undefined) throw invalid('"insecure" is not a list of text');
  const bad = insecure.find((host) => !isHost(host));
  if (bad !== undefined) throw invalid(`"${bad}" in "insecure" is not of the form host[:port]`);
  return { mirrors: [...mirrorsFrom(mirrors, invalid)], insecure, realms };
}

function* mirrorsFrom(
  lists: ReadonlyMap<string, readonly string[]>,
  invalid: (why: string) => WherryError,
): Generator<Mirror> {
  for (const [registry, places] of lists) {
    for (const place of places) {
      const mirror = mirrorFrom(registry, place);
      if (mirror === undefined)
        throw invalid(`mirror "${place}" of "${registry}" is not of the form host[:port][/prefix]`);
      yield mirror;
    }
  }
}

function objectFrom(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function listFrom(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function listsFrom(value: unknown): ReadonlyMap<string, readonly string[]> | undefined {
  const fields = objectFrom(value);
  if (fields === undefined) return undefined;
  const lists = new Map<string, readonly string[]>();
  for (const [key, item] of Object.entries(fields)) {
    const list = listFrom(item);
    if (list === undefined) return undefined;
    lists.set(key, list);
  }
  return lists;
}
