// Bad input for the real command: each case is run twice, for people and for programs (`--progress=json`), and must leave
// nothing behind: not in the store, not in the output folder, not at the destination.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { must, openRoom, type Ran, type Room, writeFiles } from './command.ts';

/** What is given, and the refusal that is wanted. */
export interface Refusal {
  readonly title: string;
  /** Files of the context, `Dockerfile` among them. Without them there is none. */
  readonly files?: Readonly<Record<string, string>>;
  /** argv; CONTEXT and OUT stand for the folder of the files and an empty one. */
  readonly argv: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
  /** Exit status and code. */
  readonly exit: number;
  readonly code: string;
  readonly message: RegExp;
  readonly hint?: RegExp;
  /** The lines that the excerpt marks with `>>>`, joined. */
  readonly marked?: string;
}

/** A room in whose store `earlier:1` is, which no refusal may harm. */
export interface Quay extends Room {
  /** Runs a case and checks all that is said and left. */
  refuses(wanted: Refusal): Promise<void>;
  /** The store is still a layout in which skopeo finds `earlier:1`. */
  isIntact(): Promise<void>;
}

interface ErrorLine {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Makes a quay. `witness` tells what is at the destinations, for a comparison of before and after. */
export async function openQuay(witness: () => Promise<unknown> = async () => undefined): Promise<Quay> {
  const room = openRoom();
  const earlier = writeFiles(join(room.folder, 'earlier'), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' });
  await room.must(['build', '-q', '-t', 'earlier:1', earlier]);
  let count = 0;
  const refuses = async (wanted: Refusal): Promise<void> => {
    const folder = join(room.folder, `case${++count}`);
    const out = join(folder, 'out');
    const context = writeFiles(join(folder, 'context'), wanted.files ?? {});
    mkdirSync(context, { recursive: true });
    mkdirSync(out);
    const before = [readFileSync(join(room.store, 'index.json'), 'utf8'), await witness()];
    const argv = wanted.argv.map((word) => word.replace('CONTEXT', context).replace('OUT', out));
    const options = {
      ...(wanted.env === undefined ? {} : { env: wanted.env }),
      ...(wanted.input === undefined ? {} : { input: wanted.input }),
    };
    const [plain, json] = await Promise.all([
      room.wherry(argv, options),
      room.wherry([...argv, '--progress=json'], options),
    ]);
    checkPlain(plain, wanted);
    checkJson(json, wanted);
    assert.equal([readFileSync(join(room.store, 'index.json'), 'utf8'), await witness()], before);
    assert.equal(readdirSync(out), [], 'the output folder is empty');
    const sessions = join(room.store, 'wherry/tmp');
    assert.equal(existsSync(sessions) ? readdirSync(sessions) : [], [], 'no temporary file stays');
  };
  const isIntact = async (): Promise<void> => {
    const name = `oci:${room.store}:docker.io/library/earlier:1`;
    const inspected = JSON.parse(await must(['skopeo', 'inspect', name])) as { Layers: readonly string[] };
    assert.is(inspected.Layers.length, 1);
    await must(['skopeo', 'copy', '-q', name, `oci:${join(room.folder, 'copy')}:1`]);
  };
  return { ...room, refuses, isIntact };
}

function checkPlain(ran: Ran, wanted: Refusal): void {
  assert.is(ran.code, wanted.exit, ran.stderr);
  assert.is(ran.stdout, '', 'standard output is data only');
  const text = ran.stderr.slice(ran.stderr.search(/^error: /m));
  assert.match(text, wanted.message);
  assert.not.match(ran.stderr, /^ +at .*:[0-9]+:[0-9]+\)?$/m, 'no stack is shown');
  if (wanted.hint !== undefined) assert.match(text.slice(text.search(/^hint: /m)), wanted.hint);
  const marked = [...text.matchAll(/^ *[0-9]+ \| >>> (.*)$/gm)].map((match) => match[1]).join('\n');
  assert.is(marked, wanted.marked ?? '');
  if (wanted.marked !== undefined) assert.match(text, /^\S+:[0-9]+\n-{20}$/m);
}

function checkJson(ran: Ran, wanted: Refusal): void {
  assert.is(ran.code, wanted.exit, ran.stderr);
  assert.is(ran.stdout, '');
  const lines = ran.stderr.trimEnd().split('\n');
  const values = lines.map((line) => JSON.parse(line) as object);
  const { error } = values.at(-1) as ErrorLine;
  assert.is(error.code, wanted.code, ran.stderr);
  assert.match(`error: ${error.message}`, wanted.message);
  if (wanted.hint !== undefined) assert.match(`hint: ${error.hint ?? ''}`, wanted.hint);
  assert.is(values.filter((value) => 'error' in value).length, 1);
}
