// The flags that several commands of the table have.
import type { Flag } from './command.ts';

/** Flags that every command has. */
export const globalFlags: readonly Flag[] = [
  { name: 'debug', short: 'D', group: 'Everywhere', summary: 'print the stack of an error' },
  { name: 'no-color', group: 'Everywhere', summary: 'no colours (also: NO_COLOR)' },
  { name: 'help', short: 'h', group: 'Everywhere', summary: 'show this help' },
];

/** Where the store is. */
export const store: Flag = {
  name: 'store',
  value: 'DIR',
  group: 'Store and network',
  env: ['WHERRY_STORE'],
  complete: 'directory',
  summary: 'the local store',
  otherwise: '$XDG_DATA_HOME/wherry',
};
/** How registries are spoken to. */
export const network: readonly Flag[] = [
  {
    name: 'insecure',
    value: 'HOST[:PORT]',
    group: 'Store and network',
    repeatable: true,
    commas: true,
    summary: 'registry that may be spoken to over http or with an unknown certificate',
  },
  {
    name: 'mirror',
    value: 'REGISTRY=HOST[/PREFIX]',
    group: 'Store and network',
    repeatable: true,
    summary: 'ask this host first for images of a registry',
  },
];
/** Which progress view there is. */
export const progress: readonly Flag[] = [
  {
    name: 'progress',
    value: 'VIEW',
    group: 'Output',
    default: 'auto',
    env: ['WHERRY_PROGRESS', 'BUILDKIT_PROGRESS'],
    choices: ['auto', 'plain', 'tty', 'json', 'quiet'],
    summary: 'how progress is shown on standard error',
  },
  { name: 'quiet', short: 'q', group: 'Output', summary: 'no progress: --progress=quiet' },
];
/** JSON instead of text. */
export const json: Flag = { name: 'json', group: 'Output', summary: 'JSON on standard output' };
/** Whole digests and texts. */
export const noTrunc: Flag = { name: 'no-trunc', group: 'Output', summary: 'do not shorten digests and texts' };
/** One image of an index. */
export const platform: Flag = {
  name: 'platform',
  value: 'OS/ARCH',
  group: 'What',
  env: ['DOCKER_DEFAULT_PLATFORM'],
  summary: 'which image of an index',
  otherwise: "this machine's",
};
