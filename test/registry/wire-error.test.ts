import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorFromResponse, formatWireError, parseWireErrors } from '../../registry/wire-error.ts';
import { type Code, factsOf, WherryError } from '../../src/errors.ts';

const formatted: readonly (readonly [unknown, number, string, string])[] = [
  [
    new WherryError('BLOB_UNKNOWN', 'Cannot open blob "x": it is not here'),
    404,
    'BLOB_UNKNOWN',
    'Cannot open blob "x": it is not here',
  ],
  [new WherryError('DENIED', 'Cannot push', { hint: 'Ask.' }), 403, 'DENIED', 'Cannot push. Ask.'],
  [new WherryError('DIGEST_MISMATCH', 'Cannot store blob'), 400, 'DIGEST_INVALID', 'Cannot store blob'],
  [new WherryError('TOO_LARGE', 'Cannot store manifest'), 413, 'SIZE_INVALID', 'Cannot store manifest'],
  [new WherryError('RANGE_INVALID', 'Cannot continue'), 416, 'RANGE_INVALID', 'Cannot continue'],
  [new WherryError('IO_FAILED', 'Cannot write "/home/user/secret": disk full'), 500, 'UNKNOWN', 'internal error'],
  [new WherryError('CONFIG_INVALID', 'ours'), 500, 'UNKNOWN', 'internal error'],
  [new TypeError('bug'), 500, 'UNKNOWN', 'internal error'],
  ['text', 500, 'UNKNOWN', 'internal error'],
];

for (const [error, status, code, message] of formatted) {
  test(`formatWireError: ${error} is ${status} ${code}`, () => {
    const result = formatWireError(error);
    assert.is(result.status, status);
    assert.equal(JSON.parse(result.body), { errors: [{ code, message }] });
  });
}

const codes: readonly Code[] = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
];
const more: readonly Code[] = [
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
  'RANGE_INVALID',
];
for (const code of [...codes, ...more]) {
  test(`formatWireError then errorFromResponse keeps ${code}`, () => {
    const { status, body } = formatWireError(new WherryError(code, 'Cannot do it: why', { detail: { a: 1 } }));
    assert.is(status, factsOf(code).status);
    const error = errorFromResponse({ action: 'push "x"', status, body });
    assert.is(error.code, code);
    assert.is(error.message, `Cannot push "x": the registry answered ${status}: Cannot do it: why (${code})`);
    assert.equal(error.detail, { status, errors: [{ code, message: 'Cannot do it: why', detail: { a: 1 } }] });
  });
}

const answers: readonly (readonly [string, number, string, Code, string])[] = [
  ['an empty body', 404, '', 'MANIFEST_UNKNOWN', 'the registry gave no reason'],
  [
    'another JSON with details',
    401,
    '{"details":"incorrect username or password"}',
    'UNAUTHORIZED',
    'incorrect username or password',
  ],
  [
    'an OAuth error',
    400,
    '{"error":"invalid_scope","error_description":"no such scope"}',
    'PROTOCOL_INVALID',
    'no such scope',
  ],
  ['JSON that is no object', 500, '[1,2]', 'NETWORK_FAILED', 'the registry gave no reason'],
  ['an empty list', 403, '{"errors":[]}', 'DENIED', 'the registry gave no reason'],
  ['null entries', 403, '{"errors":[null]}', 'DENIED', 'the registry gave no reason'],
  [
    'HTML with a title',
    502,
    '<!doctype html><html><head><title>502 Bad\nGateway</title></head><body>x</body></html>',
    'NETWORK_FAILED',
    '502 Bad Gateway',
  ],
  [
    'HTML without a title',
    503,
    '<h1>Busy</h1><script>alert(1)</script><p>try later',
    'NETWORK_FAILED',
    'Busy try later',
  ],
  ['plain text', 429, 'slow down\r\nplease\n', 'TOOMANYREQUESTS', 'slow down please'],
  [
    'an unknown code',
    400,
    '{"errors":[{"code":"TAG_ALREADY_EXISTS","message":"immutable"}]}',
    'PROTOCOL_INVALID',
    'immutable (TAG_ALREADY_EXISTS)',
  ],
  [
    "a code of ours that is not the wire's",
    500,
    '{"errors":[{"code":"ABORTED","message":"m"}]}',
    'NETWORK_FAILED',
    'm (ABORTED)',
  ],
  ['a lower-case code', 403, '{"errors":[{"code":"denied","message":"m"}]}', 'DENIED', 'm (DENIED)'],
  [
    'two errors, the known one decides',
    404,
    '{"errors":[{"code":"X","message":"a"},{"code":"NAME_UNKNOWN","message":"b"}]}',
    'NAME_UNKNOWN',
    'a; b (NAME_UNKNOWN)',
  ],
  [
    'terminal escapes',
    418,
    '{"errors":[{"code":"x\\u001b[2J","message":"\\u001b]0;title\\u0007\\u202eabc\\u009b2J"}]}',
    'PROTOCOL_INVALID',
    '\\u001b]0;title\\u0007\\u202eabc\\u009b2J',
  ],
  ['a range error', 416, '', 'RANGE_INVALID', 'the registry gave no reason'],
  ['too large', 413, 'Request Entity Too Large', 'TOO_LARGE', 'Request Entity Too Large'],
];

for (const [title, status, body, code, state] of answers) {
  test(`errorFromResponse: ${title} is ${code}`, () => {
    const error = errorFromResponse({ action: 'read "x"', status, body, unknown: 'MANIFEST_UNKNOWN' });
    assert.is(error.code, code);
    assert.is(error.message, `Cannot read "x": the registry answered ${status}: ${state}`);
  });
}

test('parseWireErrors caps messages and entries', () => {
  const long = parseWireErrors(500, `"${'a'.repeat(50_000)}"`);
  assert.is(long[0]?.message.length, 1001);
  assert.is(
    parseWireErrors(500, JSON.stringify({ errors: Array.from({ length: 50 }, () => ({ code: 'X', message: 'm' })) }))
      .length,
    10,
  );
  assert.is(parseWireErrors(500, 'b'.repeat(10_000_000))[0]?.message.length, 1001);
});

test('errorFromResponse keeps the request id, made printable', () => {
  const error = errorFromResponse({ action: 'read "x"', status: 500, body: '', requestId: 'ab\u001bc' });
  assert.equal((error.detail as { requestId: string }).requestId, 'ab\\u001bc');
});

test.run();
