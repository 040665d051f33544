import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { barOf, frameOf } from '../../src/cli/progress/frame.ts';
import { openView } from '../../src/cli/progress/open.ts';
import { Steps } from '../../src/cli/progress/steps.ts';
import { type Screen, type ViewKind, viewKindOf } from '../../src/cli/progress/view.ts';
import { createColors } from '../../src/cli/terminal.ts';
import type { Event } from '../../src/task.ts';

const colors = createColors(false);

/** A screen that remembers what was written. */
interface FakeScreen extends Screen {
  text: string;
  columns: number;
  rows: number;
  resize(columns: number, rows: number): void;
  readonly listeners: Set<() => void>;
}

function createScreen(columns = 80, rows = 24): FakeScreen {
  const listeners = new Set<() => void>();
  return {
    isTTY: true,
    text: '',
    columns,
    rows,
    listeners,
    write(text) {
      this.text += text;
    },
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    resize(width, height) {
      this.columns = width;
      this.rows = height;
      for (const listener of listeners) listener();
    },
  };
}

async function show(
  kind: ViewKind,
  events: readonly Event[],
  outcome: 'done' | 'failed' | 'canceled' = 'done',
): Promise<string> {
  const screen = createScreen();
  const view = await openView(kind, screen, { title: 'Building', colors, unicode: true, now: () => 0 });
  for (const event of events) view.onEvent(event);
  view.close(outcome);
  view.close(outcome);
  return screen.text;
}

const file = { name: 'Dockerfile', text: 'FROM a\n' };
const range = { file, start: { line: 1, character: 0 }, end: { line: 1, character: 6 } };

const session: readonly Event[] = [
  { kind: 'start', id: 'a', name: '[internal] load build definition', time: 0 },
  { kind: 'end', id: 'a', outcome: 'done', time: 40 },
  { kind: 'start', id: 'b', name: '[1/2] COPY a /', time: 50, range },
  { kind: 'end', id: 'b', outcome: 'cached', time: 51 },
  { kind: 'start', id: 'c', name: '[2/2] RUN make', time: 60 },
  { kind: 'start', id: 'd', name: 'pulling base', time: 70, total: 1000 },
  { kind: 'log', id: 'c', stream: 'stdout', text: 'one\nhalf ', time: 183 },
  { kind: 'progress', id: 'd', current: 10, total: 1000, time: 190 },
  { kind: 'progress', id: 'd', current: 500, total: 1000, time: 700 },
  { kind: 'progress', id: 'd', current: 510, total: 1000, time: 1300 },
  { kind: 'log', id: 'c', stream: 'stdout', text: 'a line\n50%\r100%\n\x1b[32mgreen\x1b[0m \x07\nend', time: 12_060 },
  { kind: 'warning', rule: 'StageNameCasing', message: 'lower-case it', range, time: 12_061 },
  { kind: 'end', id: 'd', outcome: 'done', current: 1000, time: 12_070 },
  { kind: 'end', id: 'c', outcome: 'failed', detail: 'exit code 2', time: 12_360 },
];

test('the plain view: numbered steps, switches, logs with times, throttled transfers', async () => {
  assert.is(
    await show('plain', session, 'failed'),
    `#1 [internal] load build definition
#1 DONE 0.0s

#2 [1/2] COPY a /
#2 CACHED

#3 [2/2] RUN make
#3 0.123 one
#3 ...

#4 pulling base
#4 500B / 1.00kB 0.6s
#4 ...

#3 [2/2] RUN make
#3 12.00 half a line
#3 12.00 100%
#3 12.00 green \\x07
#3 ...

WARN: StageNameCasing: lower-case it (Dockerfile:1)

#4 pulling base
#4 1.00kB / 1.00kB 12.0s done
#4 DONE 12.0s

#3 [2/2] RUN make
#3 12.30 end
#3 ERROR: exit code 2
------
 > [2/2] RUN make:
one
half a line
100%
green \\x07
end
------
`,
  );
});

test('the plain view: children speak under the number of their root', async () => {
  const events: readonly Event[] = [
    { kind: 'start', id: 'p', name: 'pushing app', time: 0 },
    { kind: 'start', id: 'x', parent: 'p', name: 'sha256:aa', total: 100, time: 1 },
    { kind: 'start', id: 'y', parent: 'p', name: 'sha256:bb', total: 100, time: 2 },
    { kind: 'progress', id: 'x', current: 100, total: 100, time: 400 },
    { kind: 'end', id: 'x', outcome: 'done', time: 410 },
    { kind: 'end', id: 'y', outcome: 'skipped', detail: 'there already', time: 411 },
    { kind: 'end', id: 'p', outcome: 'canceled', time: 500 },
  ];
  assert.is(
    await show('plain', events, 'canceled'),
    '#1 pushing app\n#1 sha256:aa 100B / 100B 0.4s done\n#1 sha256:bb skipped\n#1 CANCELED\n',
  );
});

test('the plain view shows a step that stays silent after a while', async () => {
  const screen = createScreen();
  const view = await openView('plain', screen, { title: 'x', colors, unicode: true });
  view.onEvent({ kind: 'start', id: 'a', name: 'a', time: 0 });
  view.onEvent({ kind: 'start', id: 'b', name: 'b', time: 1 });
  assert.is(screen.text, '#1 a\n');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.is(screen.text, '#1 a\n#1 ...\n\n#2 b\n');
  view.close('done');
});

test('the plain view keeps names on one line', async () => {
  assert.is(
    await show('plain', [{ kind: 'start', id: 'a', name: 'RUN <<EOF\n  a\x1b[2J\nEOF', time: 0 }]),
    '#1 RUN <<EOF a EOF\n',
  );
});

test('the json view: one event a line, ranges without the text', async () => {
  const text = await show('json', session.slice(2, 3));
  assert.is(
    text,
    '{"kind":"start","id":"b","name":"[1/2] COPY a /","time":50,"range":{"file":"Dockerfile","start":{"line":1,"character":0},"end":{"line":1,"character":6}}}\n',
  );
});

test('the quiet view: nothing, but what a failed step said', async () => {
  assert.is(await show('quiet', session, 'done'), '');
  assert.is(
    await show('quiet', session, 'failed'),
    '------\n > [2/2] RUN make:\none\nhalf a line\n100%\ngreen \\x07\nend\n------\n',
  );
});

function frame(
  events: readonly Event[],
  options: {
    readonly now: number;
    readonly columns?: number;
    readonly rows?: number;
    readonly outcome?: 'done' | 'failed';
  },
): readonly string[] {
  const steps = new Steps();
  for (const event of events) steps.apply(event);
  const lines = frameOf(steps, { title: 'Building', columns: 60, colors, unicode: true, ...options });
  for (const line of lines) assert.ok(line.width <= (options.columns ?? 60), `${line.text} is too wide`);
  return lines.map((line) => line.text);
}

test('frameOf: one line a step, logs of running steps, bars', () => {
  assert.equal(
    frame(session.slice(0, 10), { now: 1300, columns: 90 }),
    [
      '[+] Building 1.3s (2/4)',
      ' => [internal] load build definition                                                  0.0s',
      ' => CACHED [1/2] COPY a /                                                             0.0s',
      ' => [2/2] RUN make                                                                    1.2s',
      ' │ one',
      ' => pulling base              ██████████▎░░░░░░░░░ 510B / 1.00kB 450B/s 1.1s left 1.2s',
    ].map((line) =>
      line.replace(
        /^( => pulling base) +(.*)$/,
        (_, left: string, right: string) => left + right.padStart(90 - left.length),
      ),
    ),
  );
});

test('frameOf: narrow screens get less of everything', () => {
  const events = session.slice(0, 10);
  assert.match(
    frame(events, { now: 1300, columns: 60 }).at(-1) ?? '',
    /^ => pulling base +█████▏░░░░ 510B \/ 1.00kB 1\.2s$/,
  );
  assert.match(frame(events, { now: 1300, columns: 40 }).at(-1) ?? '', /^ => pulling base +510B \/ 1.00kB 1\.2s$/);
  assert.match(frame(events, { now: 1300, columns: 24 }).at(-1) ?? '', /1\.2s$/);
  for (let columns = 10; columns < 100; columns++) frame(events, { now: 1300, columns });
});

test('frameOf: finished steps give way when there are more lines than rows', () => {
  const events: Event[] = [];
  for (let index = 0; index < 10; index++) {
    events.push({ kind: 'start', id: `${index}`, name: `step ${index}`, time: 0 });
    if (index < 7) events.push({ kind: 'end', id: `${index}`, outcome: index === 0 ? 'failed' : 'done', time: 0 });
  }
  const names = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => line.trim().replace(/ +[0-9.]+s$/, ''));
  assert.equal(names(frame(events, { now: 0, rows: 7 })), [
    '[+] Building 0.0s (7/10)',
    '… 5 finished',
    '=> ERROR step 0',
    '=> step 6',
    '=> step 7',
    '=> step 8',
    '=> step 9',
  ]);
  for (let rows = 2; rows < 14; rows++) assert.ok(frame(events, { now: 0, rows }).length <= rows, `${rows} rows`);
  assert.is(frame(events, { now: 0 }).length, 11);
});

test('frameOf: the end is told in the header, running logs go', () => {
  const lines = frame(session, { now: 12_400, outcome: 'failed' });
  assert.is(lines[0], '[+] Building 12.4s (4/4) FAILED');
  assert.is(lines.length, 5);
  assert.match(lines[3] ?? '', /^ => ERROR \[2\/2\] RUN make +12\.3s$/);
});

test('barOf is always as wide as asked', () => {
  assert.is(barOf(0, 4, true), '░░░░');
  assert.is(barOf(0.5, 4, true), '██░░');
  assert.is(barOf(0.53, 4, true), '██▏░');
  assert.is(barOf(2, 4, true), '████');
  assert.is(barOf(0.5, 4, false), '[##..]');
  for (let part = 0; part <= 1; part += 0.01) assert.is([...barOf(part, 7, true)].length, 7);
});

/** What a terminal would show: just the sequences that the view uses. */
function render(text: string): { readonly lines: readonly string[]; readonly cursor: boolean } {
  const lines: string[] = [''];
  let row = 0;
  let cursor = true;
  for (const [token] of text.matchAll(/\x1b\[\?25[lh]|\x1b\[\d*[AJK]|\n|\r|[^\x1b\n\r]+/g)) {
    const up = /^\x1b\[(\d+)A$/.exec(token)?.[1];
    if (token === '\x1b[?25l') cursor = false;
    else if (token === '\x1b[?25h') cursor = true;
    else if (up !== undefined) row = Math.max(0, row - Number(up));
    else if (token === '\x1b[J') lines.splice(row);
    else if (token === '\n') row++;
    else if (!token.startsWith('\x1b') && token !== '\r') lines[row] = token;
  }
  return { lines: lines.filter((line) => line !== ''), cursor };
}

test('the tty view draws over its last frame, hides the cursor, and leaves the last state', async () => {
  const screen = createScreen(60, 20);
  let now = 0;
  const view = await openView('tty', screen, { title: 'Building', colors, unicode: true, now: () => now });
  for (const event of session.slice(0, 5)) view.onEvent(event);
  now = 400;
  await new Promise((resolve) => setTimeout(resolve, 150));
  const during = render(screen.text);
  assert.is(during.cursor, false);
  assert.is(during.lines[0], '[+] Building 0.4s (2/3)');
  assert.is(during.lines.length, 4);
  for (const event of session.slice(5)) view.onEvent(event);
  now = 12_400;
  view.close('failed');
  const after = render(screen.text);
  assert.is(after.cursor, true);
  assert.is(after.lines[0], '[+] Building 12.4s (4/4) FAILED');
  assert.is(after.lines.filter((line) => line.includes('load build definition')).length, 1);
  assert.ok(after.lines.includes('warning: StageNameCasing: lower-case it (Dockerfile:1)'));
  assert.ok(after.lines.includes(' > [2/2] RUN make:'));
  assert.is(screen.listeners.size, 0);
});

test('the tty view redraws at once after a resize, over lines that the terminal has wrapped', async () => {
  const screen = createScreen(80, 20);
  const view = await openView('tty', screen, { title: 'Building', colors, unicode: true, now: () => 100 });
  for (const event of session.slice(0, 5)) view.onEvent(event);
  screen.resize(80, 20);
  screen.text = '';
  screen.resize(40, 20);
  // A header of 23 columns, and three lines of 79 that became two each.
  assert.ok(screen.text.startsWith('\x1b[7A\r'), JSON.stringify(screen.text.slice(0, 10)));
  for (const line of render(screen.text).lines) assert.ok(line.length < 40);
  view.close('done');
});

test('the tty view without events writes nothing', async () => {
  assert.is(await show('tty', []), '');
});

const kinds: readonly (readonly [string, boolean, NodeJS.ProcessEnv, ViewKind])[] = [
  ['auto', true, {}, 'tty'],
  ['auto', true, { CI: 'true' }, 'plain'],
  ['auto', true, { CI: 'false' }, 'tty'],
  ['auto', true, { TERM: 'dumb' }, 'plain'],
  ['auto', false, {}, 'plain'],
  ['tty', true, { CI: '1' }, 'tty'],
  ['plain', true, {}, 'plain'],
  ['json', false, {}, 'json'],
  ['quiet', true, {}, 'quiet'],
];
for (const [wanted, isTTY, env, want] of kinds) {
  test(`viewKindOf ${wanted} ${isTTY ? 'on a terminal' : 'in a pipe'} ${JSON.stringify(env)}`, () =>
    assert.is(viewKindOf(wanted, { isTTY, write: () => {} }, env), want));
}

test('viewKindOf refuses tty without a terminal', () => {
  assert.throws(() => viewKindOf('tty', { write: () => {} }, {}), /standard error is not a terminal/);
});

test.run();
