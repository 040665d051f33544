// The one table of the command line: every command with its arguments, flags and examples. parse.ts, help.ts and
// completion.ts read it, and a test checks that each command has its file in commands/.
import { buildFlags, refusedBuildFlags } from './build-flags.ts';
import type { Argument, Command, Flag } from './command.ts';
import { globalFlags, json, network, noTrunc, platform, progress, store } from './shared-flags.ts';

const imageName: Argument = { name: 'NAME', complete: 'image' };
const imageNames: Argument = { name: 'NAME', repeatable: true, complete: 'image' };
const places =
  'A place is docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME] or store:NAME (the local store); a bare name is docker://NAME.';
const lookedUp =
  'A bare NAME is looked for in the local store first, then at its registry; places such as docker://NAME, store:NAME, oci:DIR and oci-archive:FILE work too.';

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'build',
    summary: 'build an image from a Dockerfile',
    description: [
      'CONTEXT is where COPY and ADD find their files: a directory, "-" (a tar or a lone Dockerfile on standard input), a git URL or an http(s) URL.',
      'Without -o the result is kept in the local store under its tags; with --push it goes to the registries of its tags instead. Standard output gets one registry/repository:tag@digest a tag, or the digest alone.',
    ],
    arguments: [{ name: 'CONTEXT', complete: 'directory' }],
    missing: 'Write "wherry build ." to build the current directory.',
    flags: [...buildFlags, store, ...network, ...progress, ...refusedBuildFlags],
    examples: [
      { command: 'wherry build -t localhost:5000/app --push .', what: 'build the current directory and push it' },
      { command: 'wherry build --platform linux/amd64,linux/arm64 -t app .', what: 'an index of two platforms' },
      { command: 'wherry build -o type=oci,dest=app.tar .', what: 'an OCI archive' },
      { command: 'wherry build -f - . < other.Dockerfile', what: 'a Dockerfile from standard input' },
    ],
  },
  {
    name: 'push',
    summary: 'push an image of the local store to a registry',
    description: ['DESTINATION is another name to push it under. Standard output gets registry/repository:tag@digest.'],
    arguments: [imageName, { name: 'DESTINATION', optional: true }],
    flags: [store, ...network, ...progress],
    examples: [{ command: 'wherry push app registry.example/team/app:1.2', what: 'push under another name' }],
  },
  {
    name: 'pull',
    summary: 'pull images from a registry into the local store',
    description: ['Standard output gets one registry/repository:tag@digest a name.'],
    arguments: [imageNames],
    flags: [
      platform,
      { name: 'all-platforms', group: 'What', summary: 'all images of an index' },
      store,
      ...network,
      ...progress,
    ],
    examples: [{ command: 'wherry pull --platform linux/arm64 alpine', what: 'one platform of an index' }],
  },
  {
    name: 'copy',
    summary: 'copy an image from place to place',
    description: [
      places,
      'Between registries the bytes are streamed, or mounted where both names are on one registry.',
    ],
    arguments: [{ name: 'SOURCE', complete: 'image' }, { name: 'DESTINATION' }],
    flags: [
      { ...platform, summary: 'only this image of an index', otherwise: 'all', env: [] },
      store,
      ...network,
      ...progress,
    ],
    examples: [
      { command: 'wherry copy alpine:3.20 localhost:5000/alpine:3.20', what: 'from registry to registry' },
      { command: 'wherry copy store:app oci-archive:app.tar', what: 'from the store to a file' },
    ],
  },
  {
    name: 'tag',
    summary: 'give an image of the local store another name',
    description: [],
    arguments: [{ name: 'SOURCE', complete: 'image' }, { name: 'TARGET' }],
    flags: [store],
    examples: [{ command: 'wherry tag app registry.example/team/app:1.2', what: 'name it for another registry' }],
  },
  {
    name: 'tags',
    summary: 'list the tags of a repository at its registry',
    description: ['Versions first, oldest first; then the other tags by name.'],
    arguments: [{ name: 'REPOSITORY', complete: 'image' }],
    flags: [
      { name: 'range', value: 'RANGE', group: 'What', summary: 'only versions in this range, e.g. ^20 or ">=3.18 <4"' },
      {
        name: 'suffix',
        value: 'TEXT',
        group: 'What',
        summary: 'with --range: what follows the numbers, e.g. -alpine',
        otherwise: 'nothing',
      },
      json,
      store,
      ...network,
    ],
    examples: [{ command: 'wherry tags node --range ^20 --suffix -alpine', what: 'the releases of one line' }],
  },
  {
    name: 'images',
    summary: 'list the images of the local store',
    description: [],
    arguments: [],
    flags: [json, noTrunc, store],
    examples: [{ command: 'wherry images --json', what: 'for scripts' }],
  },
  {
    name: 'history',
    summary: 'show the steps an image was made of',
    description: ['Newest step first.', lookedUp],
    arguments: [imageName],
    flags: [platform, json, noTrunc, store, ...network],
    examples: [{ command: 'wherry history app', what: 'what each layer came from' }],
  },
  {
    name: 'inspect',
    summary: 'show an image: manifest, config, platforms',
    description: [lookedUp],
    arguments: [{ name: 'PLACE', complete: 'image' }],
    flags: [
      { ...platform, summary: 'only this image of an index', env: [] },
      { name: 'raw', group: 'What', summary: 'only the manifest or index, as JSON' },
      { name: 'config', group: 'What', summary: 'only the config, as JSON' },
      json,
      store,
      ...network,
    ],
    examples: [
      { command: 'wherry inspect docker://alpine', what: 'an image of Docker Hub, without pulling it' },
      { command: 'wherry inspect --config store:app', what: 'the config of an image of the store' },
    ],
  },
  {
    name: 'rm',
    summary: 'remove names from the local store, and blobs that nothing else needs',
    description: [],
    arguments: [imageNames],
    flags: [json, store],
    examples: [{ command: 'wherry rm app:old', what: 'remove one name' }],
  },
  {
    name: 'save',
    summary: 'write images of the local store to an archive',
    description: ['The docker format is what "docker load" takes: it holds an OCI layout as well.'],
    arguments: [imageNames],
    flags: [
      {
        name: 'output',
        short: 'o',
        value: 'FILE',
        group: 'What',
        default: '-',
        complete: 'file',
        summary: 'the archive; "-" is standard output',
      },
      {
        name: 'format',
        value: 'FORMAT',
        group: 'What',
        default: 'docker',
        choices: ['docker', 'oci'],
        summary: 'kind of archive',
      },
      platform,
      store,
      ...progress,
    ],
    examples: [{ command: 'wherry save app | docker load', what: 'hand an image to Docker' }],
  },
  {
    name: 'load',
    summary: 'read images from an archive into the local store',
    description: ['Docker and OCI archives are told apart by content. Standard output gets one name a line.'],
    arguments: [],
    flags: [
      {
        name: 'input',
        short: 'i',
        value: 'FILE',
        group: 'What',
        default: '-',
        complete: 'file',
        summary: 'the archive; "-" is standard input',
      },
      store,
      ...progress,
    ],
    examples: [{ command: 'docker save app | wherry load', what: 'take an image from Docker' }],
  },
  {
    name: 'login',
    summary: 'check and save credentials of a registry',
    description: ['Saved where Docker saves them: $DOCKER_CONFIG/config.json, or the credential helper that it names.'],
    arguments: [{ name: 'REGISTRY', optional: true }],
    flags: [
      {
        name: 'username',
        short: 'u',
        value: 'NAME',
        group: 'Credentials',
        summary: 'user name',
        otherwise: 'asked for',
      },
      { name: 'password-stdin', group: 'Credentials', summary: 'read the password from standard input' },
      {
        name: 'password',
        short: 'p',
        value: 'PASSWORD',
        group: 'Credentials',
        summary: 'password: visible to other users of the machine, use --password-stdin',
      },
      ...network.slice(0, 1),
    ],
    examples: [{ command: 'wherry login -u ci --password-stdin registry.example < token', what: 'in a script' }],
  },
  {
    name: 'logout',
    summary: 'forget credentials of a registry',
    description: [],
    arguments: [{ name: 'REGISTRY', optional: true }],
    flags: [],
    examples: [{ command: 'wherry logout registry.example', what: 'forget one registry' }],
  },
  {
    name: 'registry serve',
    summary: 'run a registry over a directory',
    description: [
      'Standard output gets the URL once it listens; Ctrl+C stops it. Without --htpasswd everybody who reaches the address may write.',
    ],
    arguments: [],
    flags: [
      {
        name: 'addr',
        value: 'HOST:PORT',
        group: 'Server',
        default: '127.0.0.1:5000',
        summary: 'where it listens; port 0 takes a free one',
      },
      {
        name: 'root',
        value: 'DIR',
        group: 'Server',
        complete: 'directory',
        summary: 'layout directory that it serves',
        otherwise: '$XDG_DATA_HOME/wherry-registry',
      },
      { name: 'read-only', group: 'Server', summary: 'refuse every write' },
      {
        name: 'htpasswd',
        value: 'FILE',
        group: 'Server',
        complete: 'file',
        summary: 'ask for a user and password of this file',
      },
    ],
    examples: [{ command: 'wherry registry serve --addr 127.0.0.1:0 --root ./images', what: 'a registry for a test' }],
  },
  { name: 'version', summary: 'show the version', description: [], arguments: [], flags: [json], examples: [] },
  {
    name: 'help',
    summary: 'show help for a command',
    description: [],
    arguments: [{ name: 'COMMAND', optional: true, repeatable: true, complete: 'command' }],
    flags: [],
    examples: [{ command: 'wherry help build', what: 'the flags of build' }],
  },
  {
    name: 'completion',
    summary: 'print a completion script for a shell',
    description: ['SHELL is bash, zsh or fish.'],
    arguments: [{ name: 'SHELL' }],
    missing: 'Write "wherry completion bash", zsh or fish.',
    flags: [],
    examples: [
      { command: 'source <(wherry completion bash)', what: 'in ~/.bashrc' },
      { command: 'wherry completion fish > ~/.config/fish/completions/wherry.fish', what: 'for fish' },
    ],
  },
];

/** The command of this name, or undefined. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

/** Commands whose first word is `word`, for groups such as `registry`; empty when it is no group. */
export function groupOf(word: string): readonly Command[] {
  return commands.filter((command) => command.name.startsWith(`${word} `));
}

/** All flags of a command, the global ones included. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...globalFlags];
}
