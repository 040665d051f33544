// The flags of `wherry build`: those of `docker buildx build` with the same meaning, ours, and the list of its flags that
// are refused by name because they are not there yet.
import type { Flag } from './command.ts';

const source = 'What to build';
const image = 'The image';
const cache = 'Cache and bases';
const output = 'Where it goes';
const run = 'For RUN (which this version refuses)';

/** Flags that work. */
export const buildFlags: readonly Flag[] = [
  {
    name: 'file',
    short: 'f',
    value: 'FILE',
    group: source,
    complete: 'file',
    summary: 'the Dockerfile: a path, "-" for standard input, or an http(s) URL',
    otherwise: 'Dockerfile in the context',
  },
  { name: 'target', value: 'STAGE', group: source, summary: 'build up to this stage', otherwise: 'the last' },
  {
    name: 'build-arg',
    value: 'KEY[=VALUE]',
    group: source,
    repeatable: true,
    summary: 'value of an ARG; KEY alone takes it from the environment',
  },
  {
    name: 'build-context',
    value: 'NAME=SOURCE',
    group: source,
    repeatable: true,
    summary: 'named context: a directory, URL, git repository, docker-image://NAME or oci-layout://DIR[:TAG|@DIGEST]',
  },
  {
    name: 'platform',
    value: 'OS/ARCH',
    group: source,
    repeatable: true,
    commas: true,
    env: ['DOCKER_DEFAULT_PLATFORM'],
    summary: 'platforms to build for; several make an index',
    otherwise: "this machine's",
  },
  {
    name: 'tag',
    short: 't',
    value: 'NAME[:TAG]',
    group: image,
    repeatable: true,
    complete: 'image',
    summary: 'name of the result',
  },
  { name: 'label', value: 'KEY=VALUE', group: image, repeatable: true, summary: "label of the image's config" },
  {
    name: 'annotation',
    value: '[TYPE:]KEY=VALUE',
    group: image,
    repeatable: true,
    summary:
      'annotation; TYPE is manifest, index, manifest-descriptor or index-descriptor, each perhaps with [OS/ARCH]',
  },
  {
    name: 'timestamp',
    value: 'SECONDS',
    group: image,
    summary: 'no time in the image is later: seconds since 1970',
    otherwise: '$SOURCE_DATE_EPOCH, else 0',
  },
  { name: 'no-cache', group: cache, summary: 'look nothing up in the cache' },
  {
    name: 'no-cache-filter',
    value: 'STAGE',
    group: cache,
    repeatable: true,
    commas: true,
    summary: 'look nothing up for these stages',
  },
  { name: 'pull', group: cache, summary: 'ask the registry for every base again, also where the store has it' },
  {
    name: 'push',
    group: output,
    summary: 'push the result to the registries of its tags; the local store does not keep it',
  },
  {
    name: 'output',
    short: 'o',
    value: 'SPEC',
    group: output,
    repeatable: true,
    complete: 'directory',
    summary:
      'type=image|registry|oci|docker|local|tar|cacheonly with keys such as dest=FILE; DIR alone is a local directory, "-" a tar on standard output',
  },
  { name: 'metadata-file', value: 'FILE', group: output, complete: 'file', summary: 'write digests and names as JSON' },
  {
    name: 'iidfile',
    value: 'FILE',
    group: output,
    complete: 'file',
    summary: "write the image id: the config's digest, or the index's for several platforms",
  },
  {
    name: 'secret',
    value: 'id=ID[,src=FILE|,env=NAME]',
    group: run,
    repeatable: true,
    summary: 'secret that a RUN may mount',
  },
  {
    name: 'ssh',
    value: 'default|ID[=SOCKET|KEY]',
    group: run,
    repeatable: true,
    summary: 'agent socket or keys that a RUN may mount',
  },
  {
    name: 'network',
    value: 'MODE',
    group: run,
    default: 'default',
    choices: ['default', 'none', 'host'],
    summary: 'network of RUN',
  },
  { name: 'add-host', value: 'HOST:IP', group: run, repeatable: true, summary: 'line of /etc/hosts in RUN' },
];

const group = 'Not there yet';

function refused(
  name: string,
  details: { readonly value?: string; readonly short?: string; readonly except?: readonly string[] } = {},
): Flag {
  const { except = [], ...rest } = details;
  return {
    name,
    group,
    hidden: true,
    repeatable: true,
    summary: 'not implemented in this version',
    ...rest,
    refused: { except },
  };
}

/** Flags of `docker buildx build` that are refused by name. */
export const refusedBuildFlags: readonly Flag[] = [
  ...[
    'allow',
    'attest',
    'builder',
    'cache-from',
    'cache-to',
    'cgroup-parent',
    'policy',
    'resource',
    'shm-size',
    'ulimit',
  ].map((name) => refused(name, { value: 'VALUE' })),
  refused('call', { value: 'VALUE', except: ['build'] }),
  refused('provenance', { value: 'VALUE', except: ['false'] }),
  refused('sbom', { value: 'VALUE', except: ['false'] }),
  refused('check', { except: ['false'] }),
  refused('load', { except: ['false'] }),
  ...['compress', 'squash', 'rm', 'force-rm'].map((name) => refused(name, { except: ['false'] })),
  ...['isolation', 'security-opt', 'print', 'memory-swap', 'cpu-period', 'cpu-quota', 'cpuset-cpus', 'cpuset-mems'].map(
    (name) => refused(name, { value: 'VALUE' }),
  ),
  refused('memory', { short: 'm', value: 'VALUE' }),
  refused('cpu-shares', { short: 'c', value: 'VALUE' }),
];
