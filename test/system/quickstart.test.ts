// `npm run quickstart` does what the README says: built, pushed, pulled back by the same digest.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { must, openRoom } from './command.ts';

const room = openRoom();

test('quickstart: one digest from build to pull, the layers, and commands that work', async () => {
  const env = { HOME: room.folder, TMPDIR: room.folder };
  const said = await must([process.execPath, 'dist/scripts/quickstart.js'], { env });
  const digests = [...said.matchAll(/^(built|pushed|pulled back) .*(sha256:[0-9a-f]{64})$/gm)];
  assert.equal(
    digests.map((match) => match[1]),
    ['built', 'pushed', 'pulled back'],
  );
  assert.is(new Set(digests.map((match) => match[2])).size, 1);
  assert.match(said, /COPY --chown=app:app \/assets\/ assets\//);
  const commands = [...said.matchAll(/^ {2}node dist\/src\/cli\/main\.js (\S+)/gm)].map((match) => match[1]);
  for (const verb of commands) await room.must(['help', verb ?? '']);
  assert.ok(commands.length >= 3);
});

test.run();
