// selectCopy against tables of what BuildKit does with the same instruction (most rows were checked against BuildKit 0.25).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIgnoreFile } from '../../src/context/ignore.ts';
import { memoryTree } from '../../src/context/memory.ts';
import { type CopyRequest, selectCopy } from '../../src/context/select.ts';
import { emptyTree } from '../../src/context/tree.ts';
import { isError } from '../../src/errors.ts';
import { linesOf, treeOf } from './trees.ts';

const context = treeOf([
  'a =A',
  'b.txt =B',
  '.dot =.',
  'n[1].txt =N',
  'd/ 700 @90',
  'd/one 600 =1',
  'd/link -> one',
  'd/up -> ../a',
  'd/sub/ 750 @80',
  'd/sub/two =2',
  'd/sub/deep/ @70',
  'd/sub/deep/three =3',
  'd/empty/ @60',
  'e/ 711 @50',
  'e/x =X',
  'dlink -> d',
  'alink -> a',
  'abslink -> /d/sub',
  'out -> ../../../a',
  'gone -> nowhere',
  'loop -> loop',
]);

interface Row extends Partial<Omit<CopyRequest, 'sources' | 'target'>> {
  readonly src: readonly string[];
  readonly dest: string;
  readonly from?: readonly string[];
  readonly on?: readonly string[];
}

function select({ src, from, on, dest, ...rest }: Row): Promise<ReturnType<typeof linesOf>> {
  const tree = from === undefined ? context : treeOf(from);
  const request: CopyRequest = {
    instruction: 'COPY',
    sources: src.map((path) => ({ kind: 'path', tree, path })),
    destination: dest,
    workdir: '/',
    target: on === undefined ? emptyTree : treeOf(on),
    parents: false,
    exclude: [],
    archives: 'keep',
    spool: () => Promise.reject(new Error('no spool is needed')),
    ...rest,
  };
  return selectCopy(request).then(linesOf);
}

/** `d` below `top`, in the layer's order. */
function copyOfD(top: string, owner = '0:0'): string[] {
  return [
    `${top}/empty/ 755 ${owner} @60`,
    `${top}/link 777 ${owner} @100 -> one`,
    `${top}/one 600 ${owner} @100 =1`,
    `${top}/sub/ 750 ${owner} @80`,
    `${top}/sub/deep/ 755 ${owner} @70`,
    `${top}/sub/deep/three 644 ${owner} @100 =3`,
    `${top}/sub/two 644 ${owner} @100 =2`,
    `${top}/up 777 ${owner} @100 -> ../a`,
  ];
}

const octal = (mode: number): Pick<CopyRequest, 'mode' | 'parentMode'> => ({ mode: () => mode, parentMode: mode });
const made = (path: string): string => `${path}/ 755 0:0 @0`;

const rows: readonly (readonly [title: string, row: Row, entries: readonly string[]])[] = [
  // Where it goes
  ['a file into the root', { src: ['a'], dest: '/' }, ['a 644 0:0 @100 =A']],
  [
    'a file under a new name, parents made',
    { src: ['a'], dest: '/x/y/z' },
    [made('x'), made('x/y'), 'x/y/z 644 0:0 @100 =A'],
  ],
  ['a file into a new directory', { src: ['a'], dest: '/x/y/' }, [made('x'), made('x/y'), 'x/y/a 644 0:0 @100 =A']],
  ['a trailing "/." is a directory', { src: ['a'], dest: '/x/.' }, [made('x'), 'x/a 644 0:0 @100 =A']],
  [
    'a file into a directory that is there',
    { src: ['a'], dest: '/x', on: ['x/ 700 5:6 @7'] },
    ['x/ 700 5:6 @7', 'x/a 644 0:0 @100 =A'],
  ],
  ['a file onto a file', { src: ['a'], dest: '/x', on: ['x 600 5:6 =old'] }, ['x 644 0:0 @100 =A']],
  [
    'a relative destination',
    { src: ['a'], dest: 'x', workdir: '/w/d', on: ['w/d/ 711'] },
    ['w/ 755 0:0 @0', 'w/d/ 711 0:0 @100', 'w/d/x 644 0:0 @100 =A'],
  ],
  ['"." is the working directory', { src: ['a'], dest: '.', workdir: '/w' }, [made('w'), 'w/a 644 0:0 @100 =A']],
  [
    'an empty destination is the working directory',
    { src: ['a'], dest: '', workdir: '/w' },
    [made('w'), 'w/a 644 0:0 @100 =A'],
  ],
  [
    '".." in a destination',
    { src: ['a'], dest: '../x/', workdir: '/w/d' },
    [made('w'), made('w/x'), 'w/x/a 644 0:0 @100 =A'],
  ],
  ['a final ".."', { src: ['a'], dest: '..', workdir: '/w/d', on: ['w/d/'] }, ['w/ 755 0:0 @0', 'w/a 644 0:0 @100 =A']],
  ['".." above the root stays there', { src: ['a'], dest: '/../../x' }, ['x 644 0:0 @100 =A']],
  [
    'parents keep all that the target says',
    { src: ['a'], dest: '/p/q/', on: ['p/ 1777 3:4 @5', 'p/q/ 2755 1:1 @6'] },
    ['p/ 1777 3:4 @5', 'p/q/ 2755 1:1 @6', 'p/q/a 644 0:0 @100 =A'],
  ],
  // Directories
  [
    'a directory: its contents, into a new one of 0755',
    { src: ['d'], dest: '/out' },
    ['out/ 755 0:0 @90', ...copyOfD('out')],
  ],
  [
    'a directory with a trailing slash is the same',
    { src: ['d/'], dest: '/out/' },
    ['out/ 755 0:0 @90', ...copyOfD('out')],
  ],
  ['a directory with "/." is the same', { src: ['/d/.'], dest: '/out' }, ['out/ 755 0:0 @90', ...copyOfD('out')]],
  [
    "the top that is there keeps mode and owner, directories below take the source's",
    { src: ['d'], dest: '/out', on: ['out/ 711 5:6 @1', 'out/sub/ 770 5:6 @1', 'out/other'] },
    ['out/ 711 5:6 @90', ...copyOfD('out')],
  ],
  ['a directory into the root', { src: ['d'], dest: '/' }, copyOfD('x').map((line) => line.slice(2))],
  ['an empty directory', { src: ['d/empty'], dest: '/o' }, ['o/ 755 0:0 @60']],
  ['an empty directory into the root changes nothing', { src: ['d/empty'], dest: '/' }, []],
  [
    'a directory from a stage: the new top is 0:0',
    { src: ['/d'], from: ['d/ 700 9:9', 'd/e/ 2775 5:6', 'd/f 4755 5:6', 'd/l -> f', 'd/p fifo 7:7'], dest: '/o' },
    [
      'o/ 755 0:0 @100',
      'o/e/ 2775 5:6 @100',
      'o/f 4755 5:6 @100 =d/f',
      'o/l 777 0:0 @100 -> f',
      'o/p 644 7:7 @100 fifo',
    ],
  ],
  // Owners and modes
  [
    '--chown: all that is copied or made',
    { src: ['d'], dest: '/p/out', owner: { uid: 7, gid: 8 } },
    ['p/ 755 7:8 @0', 'p/out/ 755 7:8 @90', ...copyOfD('p/out', '7:8')],
  ],
  [
    '--chown leaves a top that is there',
    { src: ['d'], dest: '/out', owner: { uid: 7, gid: 8 }, on: ['out/ 711 5:6'] },
    ['out/ 711 5:6 @90', ...copyOfD('out', '7:8')],
  ],
  [
    '--chmod, octal: all but symlinks, and parents',
    { src: ['d/sub', 'alink'], dest: '/p/o/', exclude: ['deep'], ...octal(0o4750) },
    ['p/ 750 0:0 @0', 'p/o/ 750 0:0 @80', 'p/o/alink 4750 0:0 @100 =A', 'p/o/two 4750 0:0 @100 =2'],
  ],
  [
    '--chmod, symbolic: not the parents',
    { src: ['d/sub/two'], dest: '/p/', mode: (mode) => mode | 0o111 },
    [made('p'), 'p/two 755 0:0 @100 =2'],
  ],
  [
    '--chmod leaves symlinks in a directory',
    { src: ['d'], dest: '/o', exclude: ['sub', 'empty'], mode: () => 0o600 },
    ['o/ 755 0:0 @90', 'o/link 777 0:0 @100 -> one', 'o/one 600 0:0 @100 =1', 'o/up 777 0:0 @100 -> ../a'],
  ],
  // Symlinks in the source
  ['a symlink to a file is followed, its name kept', { src: ['alink'], dest: '/' }, ['alink 644 0:0 @100 =A']],
  ['a symlink to a directory is followed', { src: ['dlink'], dest: '/o' }, ['o/ 755 0:0 @90', ...copyOfD('o')]],
  ['a symlink in the path is followed', { src: ['dlink/sub/two'], dest: '/o/' }, [made('o'), 'o/two 644 0:0 @100 =2']],
  [
    'an absolute symlink starts at the root of the source',
    { src: ['abslink/two'], dest: '/o/' },
    [made('o'), 'o/two 644 0:0 @100 =2'],
  ],
  ['a symlink that leads out stops at the root', { src: ['out'], dest: '/o/' }, [made('o'), 'o/out 644 0:0 @100 =A']],
  ['".." stops at the root', { src: ['../../d/../a'], dest: '/o/' }, [made('o'), 'o/a 644 0:0 @100 =A']],
  // Symlinks in the target
  [
    'a symlinked directory is followed',
    { src: ['a'], dest: '/lnk/', on: ['real/ 711', 'lnk -> /real'] },
    ['real/ 711 0:0 @100', 'real/a 644 0:0 @100 =A'],
  ],
  [
    'a symlink as the literal destination is followed',
    { src: ['a'], dest: '/lnk', on: ['real =old', 'lnk -> real'] },
    ['real 644 0:0 @100 =A'],
  ],
  [
    'a dangling symlink leads to where the file is made',
    { src: ['a'], dest: '/lnk', on: ['lnk -> /no/where'] },
    [made('no'), 'no/where 644 0:0 @100 =A'],
  ],
  [
    'a symlink out of the root stays in it',
    { src: ['a'], dest: '/lnk/', on: ['lnk -> ../../../real'] },
    [made('real'), 'real/a 644 0:0 @100 =A'],
  ],
  [
    'a symlink at a derived name is replaced',
    { src: ['a'], dest: '/o', on: ['o/', 'o/a -> /z', 'z/'] },
    ['o/ 755 0:0 @100', 'o/a 644 0:0 @100 =A'],
  ],
  [
    'a symlink replaces a file inside a copied tree',
    { src: ['d'], dest: '/o', exclude: ['*', '!link'], on: ['o/', 'o/link =old'] },
    ['o/ 755 0:0 @90', 'o/link 777 0:0 @100 -> one'],
  ],
  // Wildcards
  [
    '* matches dotfiles; matched directories give their contents',
    { src: ['*t'], from: ['.t', 'at =1', 'bt/', 'bt/in =2'], dest: '/o/' },
    ['o/ 755 0:0 @100', 'o/.t 644 0:0 @100 =.t', 'o/at 644 0:0 @100 =1', 'o/in 644 0:0 @100 =2'],
  ],
  [
    'matched symlinks are followed',
    { src: ['*link'], dest: '/o/', exclude: ['sub', 'deep', 'empty', 'up', 'link'] },
    ['o/ 755 0:0 @90', 'o/alink 644 0:0 @100 =A', 'o/one 600 0:0 @100 =1', 'o/two 644 0:0 @100 =2'],
  ],
  ['* stays in its directory', { src: ['d/*/t*'], dest: '/o/' }, [made('o'), 'o/two 644 0:0 @100 =2']],
  [
    'the literal head of a pattern follows symlinks',
    { src: ['dlink/s*/t*'], dest: '/o/' },
    [made('o'), 'o/two 644 0:0 @100 =2'],
  ],
  ['a matched symlink is not walked through', { src: ['*link/sub/two'], dest: '/o/' }, []],
  ['** is *', { src: ['**/two'], dest: '/o/' }, []],
  ['a class', { src: ['n[[]1].txt'], dest: '/o/' }, [made('o'), 'o/n[1].txt 644 0:0 @100 =N']],
  ['no match: nothing at all', { src: ['zz*'], dest: '/o/' }, []],
  ['one match may be renamed', { src: ['b*'], dest: '/o' }, ['o 644 0:0 @100 =B']],
  // Several sources
  [
    'several directories merge, without a slash too',
    { src: ['d/empty', 'e'], dest: '/o' },
    ['o/ 755 0:0 @50', 'o/x 644 0:0 @100 =X'],
  ],
  [
    'several files into a directory that is there',
    { src: ['a', 'b.txt'], dest: '/o', on: ['o/'] },
    ['o/ 755 0:0 @100', 'o/a 644 0:0 @100 =A', 'o/b.txt 644 0:0 @100 =B'],
  ],
  [
    'the last write wins',
    { src: ['x', 'y'], from: ['x/f =1', 'y/f =2'], dest: '/o/' },
    ['o/ 755 0:0 @0', 'o/f 644 0:0 @100 =2'],
  ],
  // Hard links
  [
    'hard links in one tree',
    { src: ['d'], from: ['d/', 'd/c =1 ^i', 'd/b =1 ^i', 'd/s/e =1 ^i', 'z =1 ^i'], dest: '/o' },
    [
      'o/ 755 0:0 @100',
      'o/b 644 0:0 @100 =1',
      'o/c 644 0:0 @100 => o/b',
      'o/s/ 755 0:0 @0',
      'o/s/e 644 0:0 @100 => o/b',
    ],
  ],
  [
    'hard links of two sources are two files',
    { src: ['d', 'z'], from: ['d/', 'd/b =1 ^i', 'z =1 ^i'], dest: '/o/' },
    ['o/ 755 0:0 @100', 'o/b 644 0:0 @100 =1', 'o/z 644 0:0 @100 =1'],
  ],
  [
    'a hard link that is overwritten leaves the others',
    { src: ['d', 'y'], from: ['d/', 'd/b =1 ^i', 'd/c =1 ^i', 'y/', 'y/b =2'], dest: '/o/' },
    ['o/ 755 0:0 @100', 'o/b 644 0:0 @100 =2', 'o/c 644 0:0 @100 =1'],
  ],
  // --exclude
  [
    '--exclude: relative to each source',
    { src: ['d'], dest: '/o', exclude: ['sub', 'l*', '**/up'] },
    ['o/ 755 0:0 @90', 'o/empty/ 755 0:0 @60', 'o/one 600 0:0 @100 =1'],
  ],
  [
    '--exclude with "!": parents of what is kept',
    { src: ['d'], dest: '/o', exclude: ['*', '!sub/deep/three'] },
    ['o/ 755 0:0 @90', 'o/sub/ 750 0:0 @80', 'o/sub/deep/ 755 0:0 @70', 'o/sub/deep/three 644 0:0 @100 =3'],
  ],
  ['--exclude of everything', { src: ['d'], dest: '/o', exclude: ['*'] }, ['o/ 755 0:0 @90']],
  [
    '--exclude does not reach a source itself',
    { src: ['b.txt', 'e'], dest: '/o/', exclude: ['*.txt', 'e'] },
    ['o/ 755 0:0 @50', 'o/b.txt 644 0:0 @100 =B', 'o/x 644 0:0 @100 =X'],
  ],
  [
    '--exclude with a leading slash matches nothing',
    { src: ['e'], dest: '/o', exclude: ['/x'] },
    ['o/ 755 0:0 @50', 'o/x 644 0:0 @100 =X'],
  ],
  // --parents
  [
    '--parents keeps the path',
    { src: ['d/sub/two'], dest: '/o/', parents: true },
    ['o/ 755 0:0 @0', 'o/d/ 700 0:0 @90', 'o/d/sub/ 750 0:0 @80', 'o/d/sub/two 644 0:0 @100 =2'],
  ],
  [
    '--parents: a pivot',
    { src: ['d/./sub/two'], dest: '/o', parents: true },
    ['o/ 755 0:0 @90', 'o/sub/ 750 0:0 @80', 'o/sub/two 644 0:0 @100 =2'],
  ],
  [
    '--parents: a directory comes with all that is below',
    { src: ['./d/sub'], dest: '/o/', parents: true },
    [
      'o/ 755 0:0 @0',
      'o/d/ 700 0:0 @90',
      'o/d/sub/ 750 0:0 @80',
      'o/d/sub/deep/ 755 0:0 @70',
      'o/d/sub/deep/three 644 0:0 @100 =3',
      'o/d/sub/two 644 0:0 @100 =2',
    ],
  ],
  [
    '--parents: ** behind the pivot',
    { src: ['d/./**/t*'], dest: '/o/', parents: true },
    [
      'o/ 755 0:0 @90',
      'o/sub/ 750 0:0 @80',
      'o/sub/deep/ 755 0:0 @70',
      'o/sub/deep/three 644 0:0 @100 =3',
      'o/sub/two 644 0:0 @100 =2',
    ],
  ],
  [
    '--parents: wildcards before the pivot',
    {
      src: ['*/./x', 'd/./one'],
      from: ['d/', 'd/x =1', 'd/one =3', 'e/', 'e/x =2', 'e/y'],
      dest: '/o/',
      parents: true,
    },
    ['o/ 755 0:0 @100', 'o/one 644 0:0 @100 =3', 'o/x 644 0:0 @100 =2'],
  ],
  [
    '--parents: a file where the root should be gives nothing',
    { src: ['[ae]/./x'], from: ['a', 'e/x =2'], dest: '/o/', parents: true },
    ['o/ 755 0:0 @0', 'o/x 644 0:0 @100 =2'],
  ],
  [
    'a directory that is made below a setgid one has its group',
    { src: ['a'], dest: '/p/q/', on: ['p/ 2755 1:5'] },
    ['p/ 2755 1:5 @100', 'p/q/ 2755 0:5 @0', 'p/q/a 644 0:0 @100 =A'],
  ],
  [
    '--parents: only the first pivot counts',
    { src: ['d/./sub/./deep'], dest: '/o/', parents: true },
    ['o/ 755 0:0 @90', 'o/sub/ 750 0:0 @80', 'o/sub/deep/ 755 0:0 @70', 'o/sub/deep/three 644 0:0 @100 =3'],
  ],
  [
    '--parents with --exclude and --chown',
    { src: ['d/sub'], dest: '/o/', parents: true, exclude: ['d/sub/deep'], owner: { uid: 1, gid: 2 } },
    ['o/ 755 1:2 @0', 'o/d/ 700 1:2 @90', 'o/d/sub/ 750 1:2 @80', 'o/d/sub/two 644 1:2 @100 =2'],
  ],
  [
    '--parents: a directory that is there takes the mode only',
    { src: ['d/sub/two'], dest: '/', parents: true, on: ['d/ 711 5:6 @1'] },
    ['d/ 700 5:6 @1', 'd/sub/ 750 0:0 @80', 'd/sub/two 644 0:0 @100 =2'],
  ],
  [
    '--parents: a pattern without match makes the destination only',
    { src: ['q*/x'], dest: '/o/', parents: true },
    ['o/ 755 0:0 @0'],
  ],
];

for (const [title, row, entries] of rows) {
  test(`selectCopy: ${title}`, async () => {
    assert.equal(await select(row), entries);
  });
}

const failures: readonly (readonly [title: string, row: Row, code: string, message: RegExp, hint?: RegExp])[] = [
  ['a missing source', { src: ['nope'], dest: '/' }, 'SOURCE_NOT_FOUND', /"\/nope": not found/, /"a"/],
  [
    'a missing source with a near name',
    { src: ['d/subb'], dest: '/' },
    'SOURCE_NOT_FOUND',
    /"\/d\/subb": not found/,
    /Did you mean "\/d\/sub"\?/,
  ],
  [
    'a missing source below what is missing',
    { src: ['d/x/y'], dest: '/' },
    'SOURCE_NOT_FOUND',
    /"\/d\/x\/y": not found/,
    /"one"/,
  ],
  ['a dangling symlink', { src: ['gone'], dest: '/' }, 'SOURCE_NOT_FOUND', /"\/gone": not found/],
  ['a dangling symlink that a pattern matches', { src: ['g*'], dest: '/' }, 'SOURCE_NOT_FOUND', /"\/gone": not found/],
  ['a loop of symlinks', { src: ['loop'], dest: '/' }, 'COPY_FAILED', /too many levels of symbolic links/],
  ['a file below a file', { src: ['a/x'], dest: '/' }, 'SOURCE_NOT_FOUND', /"\/a\/x": not found/],
  [
    '--parents: a missing literal',
    { src: ['d/./nope'], dest: '/', parents: true },
    'SOURCE_NOT_FOUND',
    /"\/d\/nope": not found/,
  ],
  ['a malformed pattern', { src: ['[a'], dest: '/' }, 'COPY_FAILED', /syntax error in pattern/],
  ['a malformed --exclude', { src: ['d'], dest: '/', exclude: ['[a'] }, 'COPY_FAILED', /syntax error in pattern/],
  [
    'a lone "!" as --exclude',
    { src: ['d'], dest: '/', exclude: ['!'] },
    'COPY_FAILED',
    /illegal exclusion pattern: "!"/,
  ],
  [
    'two files, no slash',
    { src: ['a', 'b.txt'], dest: '/o' },
    'COPY_FAILED',
    /^When using COPY with more than one source file, the destination must be a directory and end with a \/$/,
    /"\/o\/"/,
  ],
  [
    'a pattern with two files, no slash',
    { src: ['[ab]*'], dest: '/o', instruction: 'ADD' },
    'COPY_FAILED',
    /^When using ADD with more than one/,
  ],
  ['a file and then a directory, no slash', { src: ['a', 'd'], dest: '/o' }, 'COPY_FAILED', /^When using COPY/],
  [
    'a directory onto a file',
    { src: ['d'], dest: '/o', on: ['o'] },
    'COPY_FAILED',
    /^cannot copy to non-directory: \/o$/,
  ],
  ['a file into a file', { src: ['a'], dest: '/o/', on: ['o'] }, 'COPY_FAILED', /non-directory: \/o$/],
  [
    'a file below a file of the target',
    { src: ['a'], dest: '/o/b/c', on: ['o'] },
    'COPY_FAILED',
    /non-directory: \/o$/,
  ],
  [
    'a file onto a directory of its name',
    { src: ['a'], dest: '/o', on: ['o/a/'] },
    'COPY_FAILED',
    /^cannot replace to directory \/o\/a with file$/,
  ],
  [
    'a directory below the top onto a symlink',
    { src: ['d'], dest: '/o', on: ['o/sub -> /z', 'z/'] },
    'COPY_FAILED',
    /^cannot copy to non-directory: \/o\/sub$/,
    /symlink there to "\/z"/,
  ],
  [
    'a directory below the top onto a file',
    { src: ['d'], dest: '/o', on: ['o/sub'] },
    'COPY_FAILED',
    /^cannot copy to non-directory: \/o\/sub$/,
  ],
  ['a name that means deletion', { src: ['x'], from: ['x/.wh.a'], dest: '/o' }, 'COPY_FAILED', /\.wh\./],
];

for (const [title, row, code, message, hint] of failures) {
  test(`selectCopy: ${title} is an error`, async () => {
    try {
      assert.unreachable((await select(row)).join('\n'));
    } catch (error) {
      assert.ok(isError(error), String(error));
      assert.is(error.code, code);
      assert.match(error.message, message);
      if (hint) assert.match(error.hint ?? '', hint);
    }
  });
}

test('selectCopy: the hint for a missing source names the line that hides it', async () => {
  const tree = memoryTree(
    { 'secret/key': 'x', 'a.md': 'y' },
    { ignore: parseIgnoreFile('# none\n*.md\nsecret\n', '.dockerignore') },
  );
  for (const [path, line] of [
    ['a.md', 'line 2 ("*.md")'],
    ['secret/key', 'line 3 ("secret")'],
  ] as const) {
    try {
      await selectCopy({
        instruction: 'COPY',
        sources: [{ kind: 'path', tree, path }],
        destination: '/',
        workdir: '/',
        target: emptyTree,
        parents: false,
        exclude: [],
        archives: 'keep',
        spool: async () => '',
      });
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'SOURCE_NOT_FOUND'));
      assert.ok(error.hint?.includes(`excluded by .dockerignore ${line}`), error.hint);
    }
  }
});

test('selectCopy: files under a name, as heredocs and downloads are', async () => {
  const entry = {
    path: 'x',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 2,
    mtime: 9,
    content: { kind: 'bytes', bytes: Buffer.from('hi') },
  } as const;
  const base = {
    instruction: 'COPY',
    workdir: '/',
    target: emptyTree,
    parents: false,
    exclude: [],
    archives: 'keep',
    spool: async () => '',
  } as const;
  const sources = [
    { kind: 'path', tree: context, path: 'a' },
    { kind: 'file', name: 'EOF', entry },
  ] as const;
  assert.equal(linesOf(await selectCopy({ ...base, sources, destination: '/o/' })), [
    made('o'),
    'o/EOF 644 0:0 @9 =hi',
    'o/a 644 0:0 @100 =A',
  ]);
  assert.equal(
    linesOf(
      await selectCopy({
        ...base,
        sources: [sources[1]],
        destination: '/o',
        owner: { uid: 1, gid: 2 },
        mode: () => 0o755,
      }),
    ),
    ['o 755 1:2 @9 =hi'],
  );
});

test('selectCopy: a whole tree, as a git checkout is', async () => {
  const base = {
    instruction: 'ADD',
    workdir: '/',
    target: emptyTree,
    parents: false,
    exclude: ['d', '*link', 'gone', 'out', 'loop', 'e', '?[?1].*', '.dot'],
    archives: 'extract',
    spool: async () => '',
  } as const;
  const sources = [{ kind: 'tree', tree: context }] as const;
  const files = ['o/a 644 0:0 @100 =A', 'o/b.txt 644 0:0 @100 =B', 'o/n[1].txt 644 0:0 @100 =N'];
  assert.equal(linesOf(await selectCopy({ ...base, sources, destination: '/o' })), [made('o'), ...files]);
  assert.equal(
    linesOf(await selectCopy({ ...base, sources, destination: '/' })),
    files.map((line) => line.slice(2)),
  );
});

test.run();
