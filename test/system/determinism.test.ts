// Same input, same digest: the real command builds one project under another umask, time zone, language, order of making
// the files, and user. testdata/golden/image.txt freezes the digest.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { must } from './command.ts';

const frozen = readFileSync('testdata/golden/image.txt', 'utf8').trim();
const main = resolve('dist/src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'wherry-same-'));
chmodSync(folder, 0o755);

test.after(() => rmSync(folder, { recursive: true, force: true }));

const dockerfile = `FROM scratch AS base
COPY etc /etc/
FROM base
ARG SOURCE_DATE_EPOCH
ENV LANG=C.UTF-8
WORKDIR /srv/app
COPY --chown=app:staff . .
COPY --chmod=u=rwx,go=rX tree/ /opt/
ADD --chown=7 things.tar.gz /things/
COPY <<EOF /etc/motd
built at $SOURCE_DATE_EPOCH
EOF
USER app
HEALTHCHECK --interval=30s CMD ["true"]
LABEL b=2 a=1
CMD ["run"]
`;

/** Paths and contents of the project; a path that begins with `>` is a symlink. */
const project: readonly (readonly [string, string])[] = [
  ['Dockerfile', dockerfile],
  ['.dockerignore', '**/*.log\nDockerfile\nthings.tar.gz\n!things.tar.gz\n'],
  ['etc/passwd', 'root:x:0:0::/:/bin/sh\napp:x:1000:1001::/srv:/bin/sh\n'],
  ['etc/group', 'root:x:0:\nstaff:x:50:\n'],
  ['tree/z', 'z\n'],
  ['tree/a/Ä', 'umlaut\n'],
  ['tree/a/B', 'upper\n'],
  ['tree/a/b', 'lower\n'],
  ['tree/a/_', 'underscore\n'],
  ['>tree/link', '../etc/passwd'],
  ['tree/debug.log', 'left out\n'],
  ['large', 'a line of text that repeats\n'.repeat(120_000)],
];

interface Circumstances {
  readonly umask: string;
  readonly env: NodeJS.ProcessEnv;
  /** Makes the files in the opposite order. */
  readonly reversed: boolean;
  /** Seconds since 1970 of the files. */
  readonly mtime: number;
  /** Built by this user; only root can choose. */
  readonly user?: number;
}

function makeProject(to: string, { reversed, mtime }: Circumstances): void {
  const ordered = reversed ? [...project].reverse() : project;
  const placeOf = (path: string): string => join(to, path.replace(/^>/, ''));
  for (const [path, text] of ordered) {
    mkdirSync(dirname(placeOf(path)), { recursive: true });
    if (path.startsWith('>')) symlinkSync(text, placeOf(path));
    else writeFileSync(placeOf(path), text);
  }
  const flags = ['--sort=name', '--owner=3', '--group=4', '--numeric-owner', '--mtime=@5', '--mode=u=rwX,go=rX'];
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
  const tar = execFileSync('tar', [...flags, '-C', to, '-cf', '-', 'tree'], { env });
  writeFileSync(join(to, 'things.tar.gz'), execFileSync('gzip', ['-n'], { input: tar }));
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', to]);
  for (const [path] of ordered) lutimesSync(placeOf(path), mtime, mtime);
}

/** Words that run a command as another user, who may read the checkout even where it lies in a closed directory. */
function become(user: number): string[] {
  const words = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const open = spawnSync('setpriv', [...words.slice(1), 'test', '-r', main]).status === 0;
  return open ? words : [...words, '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
}

let count = 0;

/** Builds the project in a new place. @returns the image's digest */
async function digestUnder(circumstances: Circumstances): Promise<string> {
  const place = join(folder, `build-${++count}`);
  const [context, home] = [join(place, 'context'), join(place, 'home')];
  for (const path of [place, context, home]) mkdirSync(path, { mode: 0o755 });
  makeProject(context, circumstances);
  const { user, umask, env } = circumstances;
  if (user !== undefined) chownSync(home, user, user);
  const build = [process.execPath, main, 'build', '--platform', 'linux/amd64', '-q', context];
  const words = [...(user === undefined ? [] : become(user)), ...build];
  const command = ['sh', '-c', 'umask "$1"; shift; exec "$@"', 'sh', umask, ...words];
  return (await must(command, { env: { HOME: home, WHERRY_STORE: join(home, 'store'), ...env } })).trim();
}

const usual: Circumstances = { umask: '022', env: {}, reversed: false, mtime: 1_600_000_000 };

const variants: readonly { readonly title: string; readonly change: Partial<Circumstances> }[] = [
  { title: 'as it is', change: {} },
  { title: 'umask 077', change: { umask: '077' } },
  { title: 'umask 000', change: { umask: '000' } },
  { title: 'time zone', change: { env: { TZ: 'Asia/Kathmandu' } } },
  { title: 'language', change: { env: { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' } } },
  { title: 'order and times of the files', change: { reversed: true, mtime: 1_700_000_000 } },
  { title: 'threads', change: { env: { UV_THREADPOOL_SIZE: '1' } } },
];

for (const { title, change } of variants)
  test(`wherry build: the frozen digest (${title})`, async () => {
    assert.is(await digestUnder({ ...usual, ...change }), frozen);
  });

test('wherry build: the frozen digest (another user)', async () => {
  // Without root there is another user already: the one that runs the tests.
  const user = process.getuid?.() === 0 ? { user: 65534 } : {};
  assert.is(await digestUnder({ ...usual, ...user, umask: '027' }), frozen);
});

test('wherry build: SOURCE_DATE_EPOCH changes the digest, the time zone then still does not', async () => {
  const env = { SOURCE_DATE_EPOCH: '1000000000' };
  const later = await digestUnder({ ...usual, env });
  assert.is.not(later, frozen);
  assert.is(await digestUnder({ ...usual, env: { ...env, TZ: 'America/Caracas' } }), later);
});

test.run();
