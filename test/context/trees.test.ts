// The suite of file trees over a directory, an archive, memory, a git checkout and a layer.
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { chmod, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readArchiveTree } from '../../src/context/archive.ts';
import { openDirectory } from '../../src/context/directory.ts';
import { checkoutGit } from '../../src/context/git.ts';
import { memoryTree } from '../../src/context/memory.ts';
import { selectCopy } from '../../src/context/select.ts';
import { emptyTree } from '../../src/context/tree.ts';
import { applyEntries } from '../../src/layer/tree.ts';
import { plainFiles, runTreeSuite } from './tree-suite.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wherry-trees-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** The suite's files on disk. */
async function writeFiles(dir: string): Promise<string> {
  for (const [path, content] of Object.entries({ ...plainFiles, 'dir/run': 'run' })) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
    await chmod(join(dir, path), path === 'dir/run' ? 0o755 : 0o644);
  }
  await symlink('one', join(dir, 'dir/link'));
  await symlink('/dir/sub', join(dir, 'abs'));
  return dir;
}

runTreeSuite({
  name: 'directory',
  hasLinks: true,
  hasInodes: true,
  open: async () => {
    const dir = await writeFiles(join(scratch, 'directory'));
    await link(join(dir, 'dir/one'), join(dir, 'hard'));
    return openDirectory(dir);
  },
});

for (const [format, flag] of [
  ['tar', ''],
  ['gzip', '-z'],
  ['bzip2', '-j'],
  ['xz', '-J'],
  ['zstd', '--zstd'],
] as const) {
  runTreeSuite({
    name: `archive (${format})`,
    hasLinks: true,
    hasInodes: true,
    open: async () => {
      const dir = await writeFiles(join(scratch, format));
      await link(join(dir, 'dir/one'), join(dir, 'hard'));
      execFileSync('tar', ['-C', dir, ...(flag === '' ? [] : [flag]), '-cf', `${dir}.archive`, '.']);
      return readArchiveTree(createReadStream(`${dir}.archive`), `${dir}.spool`);
    },
  });
}

runTreeSuite({ name: 'memory', hasLinks: false, hasInodes: false, open: async () => memoryTree(plainFiles) });

runTreeSuite({
  name: 'git checkout',
  hasLinks: true,
  hasInodes: false,
  open: async () => {
    const dir = await writeFiles(join(scratch, 'repository'));
    const git = (...args: string[]): unknown =>
      execFileSync('git', [
        '-C',
        dir,
        '-c',
        'user.name=a',
        '-c',
        'user.email=a@b',
        '-c',
        'commit.gpgsign=false',
        ...args,
      ]);
    git('init', '-q', '.');
    git('add', '.');
    git('commit', '-q', '-m', 'one');
    const { root } = await checkoutGit({ remote: `file://${dir}` }, join(scratch, 'checkout'), {
      signal: new AbortController().signal,
    });
    return openDirectory(root);
  },
});

runTreeSuite({
  name: 'layer of a copied directory',
  hasLinks: true,
  hasInodes: true,
  open: async () => {
    const dir = await writeFiles(join(scratch, 'layer'));
    await link(join(dir, 'dir/one'), join(dir, 'hard'));
    const entries = await selectCopy({
      instruction: 'COPY',
      sources: [{ kind: 'path', tree: openDirectory(dir), path: '.' }],
      destination: '/',
      workdir: '/',
      target: emptyTree,
      parents: false,
      exclude: [],
      archives: 'keep',
      spool: async () => '',
    });
    return applyEntries(undefined, entries);
  },
});
