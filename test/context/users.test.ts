// Owners: numbers, names, groups, and what is not there.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lookupOwner, parseGroup, parsePasswd } from '../../src/context/users.ts';
import { isError } from '../../src/errors.ts';

const files = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/bin/false\napp:x:1000:2000:,,,:/home/app:/bin/sh\n7:x:70:71::/:\n\n# comment\nbroken\nbad:x:a:b::/:\nwin:x:5:6::/:/bin/sh\r\n',
  group: 'root:x:0:\nstaff:x:50:app,daemon\napp:x:2000:\n',
};

test('lookupOwner: a table of owners', () => {
  for (const [spec, uid, gid] of [
    ['0', 0, 0],
    ['1000', 1000, 1000],
    ['33:44', 33, 44],
    ['app', 1000, 2000],
    ['app:staff', 1000, 50],
    ['app:12', 1000, 12],
    ['12:staff', 12, 50],
    ['app:', 1000, 2000],
    [':staff', 0, 50],
    ['7', 7, 7],
    ['win', 5, 6],
    ['4294967294', 4294967294, 4294967294],
  ] as const) {
    assert.equal(lookupOwner(spec, files), { uid, gid }, spec);
  }
});

test('lookupOwner: unknown names are errors with candidates', () => {
  for (const [spec, message, hint] of [
    ['aap', 'unknown user "aap": it is not in /etc/passwd (did you mean app?)', 'root, daemon, app'],
    ['root:staf', 'unknown group "staf": it is not in /etc/group (did you mean staff?)', 'root, staff, app'],
    ['bad', 'unknown user "bad"', 'root'],
    ['4294967295', 'greater than', ''],
    ['1:99999999999', 'greater than', ''],
    ['App', 'unknown user "App"', 'app'],
  ] as const) {
    try {
      lookupOwner(spec, files);
      assert.unreachable(spec);
    } catch (error) {
      assert.ok(isError(error, 'COPY_FAILED'), String(error));
      assert.ok(error.message.includes(message), error.message);
      assert.ok((error.hint ?? '').includes(hint), error.hint);
    }
  }
  assert.throws(() => lookupOwner('app', {}), /there is no \/etc\/passwd/);
  assert.equal(lookupOwner('3:4', {}), { uid: 3, gid: 4 });
});

test('parsePasswd, parseGroup: fields', () => {
  assert.equal(parsePasswd(files.passwd)[2], {
    name: 'app',
    uid: 1000,
    gid: 2000,
    home: '/home/app',
    shell: '/bin/sh',
  });
  assert.equal(
    parsePasswd(files.passwd).map((entry) => entry.name),
    ['root', 'daemon', 'app', '7', 'win'],
  );
  assert.equal(parseGroup(files.group)[1], { name: 'staff', gid: 50, members: ['app', 'daemon'] });
});

test.run();
