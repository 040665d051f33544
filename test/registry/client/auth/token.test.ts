// Token flows against stand-ins: what a token server is asked, how long tokens are kept, and who sees credentials.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { auth, client, failureOf, reply, type Seen, type StandIn, standIn, stopAll } from '../peers.ts';

type TokenAnswer = (seen: Seen, count: number) => { readonly status?: number; readonly body: unknown };

/** A registry whose only manifest wants the token that its token server gave last. */
async function tokenRegistry(
  answer: TokenAnswer,
  options: { readonly challenge?: string; readonly valid?: (token: string) => boolean } = {},
): Promise<{ readonly registry: StandIn; readonly tokens: StandIn }> {
  let count = 0;
  const tokens = await standIn((seen, response) => {
    const { status = 200, body } = answer(seen, ++count);
    reply(response, status, { body: JSON.stringify(body) });
  });
  const challenge = options.challenge ?? `Bearer realm="${tokens.origin}/token?keep=1",service="svc"`;
  const registry = await standIn((seen, response) => {
    const token = /^Bearer (.*)$/.exec(seen.headers.authorization ?? '')?.[1];
    if (token === undefined || !(options.valid?.(token) ?? true))
      return reply(response, 401, { headers: { 'www-authenticate': challenge } });
    return seen.url === '/v2/' ? reply(response, 200) : reply(response, 404);
  });
  return { registry, tokens };
}

function asked({ seen }: StandIn): string[] {
  return seen.map(
    ({ method, url, body }) =>
      `${method} ${decodeURIComponent(url)}${body.length > 0 ? ` ${decodeURIComponent(String(body))}` : ''}`,
  );
}

const pull = 'repository:a/b:pull';

test('anonymous: GET without credentials, the query of the realm is kept', async () => {
  const { registry, tokens } = await tokenRegistry(() => ({ body: { token: 'T1' } }));
  const error = await failureOf(client().registry(registry.host).resolve('a/b', 'x'));
  assert.is(error.code, 'MANIFEST_UNKNOWN');
  assert.equal(asked(tokens), [`GET /token?keep=1&service=svc&scope=${pull}&client_id=wherry`]);
  assert.is(tokens.seen[0]?.headers.authorization, undefined);
});

test('user and password: GET with Basic; a server that knows only POST is asked so', async () => {
  const { registry, tokens } = await tokenRegistry(({ method }) =>
    method === 'GET' ? { status: 405, body: {} } : { body: { access_token: 'T' } },
  );
  const clients = client({ config: { auths: { [registry.host]: auth('u', 'p w') } } });
  assert.is((await failureOf(clients.registry(registry.host).resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
  assert.equal(asked(tokens), [
    `GET /token?keep=1&service=svc&scope=${pull}&account=u&client_id=wherry`,
    `POST /token?keep=1 grant_type=password&username=u&password=p+w&client_id=wherry&service=svc&scope=${pull}`,
  ]);
  assert.is(tokens.seen[0]?.headers.authorization, `Basic ${Buffer.from('u:p w').toString('base64')}`);
});

for (const status of [200, 404, 400, 401, 405]) {
  test(`identity token: POST, ${status === 200 ? 'which is enough' : `then GET after a ${status}`}`, async () => {
    const { registry, tokens } = await tokenRegistry(({ method }) =>
      method === 'POST' && status !== 200 ? { status, body: {} } : { body: { access_token: 'T' } },
    );
    const clients = client({ config: { auths: { [registry.host]: { ...auth('00', ''), identitytoken: 'R' } } } });
    assert.is((await failureOf(clients.registry(registry.host).resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
    const post = `POST /token?keep=1 grant_type=refresh_token&refresh_token=R&client_id=wherry&service=svc&scope=${pull}`;
    const get = `GET /token?keep=1&service=svc&scope=${pull}&account=00&client_id=wherry`;
    assert.equal(asked(tokens), status === 200 ? [post] : [post, get]);
  });
}

test('registry token: sent as it is', async () => {
  const { registry, tokens } = await tokenRegistry(() => ({ body: {} }), { valid: (token) => token === 'RT' });
  const clients = client({ config: { auths: { [registry.host]: { registrytoken: 'RT' } } } });
  assert.is((await failureOf(clients.registry(registry.host).resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
  assert.equal(asked(tokens), []);
});

test('a token is kept while it is fresh, and renewed once when the registry refuses it', async () => {
  let valid = 'T1';
  const { registry, tokens } = await tokenRegistry((_, count) => ({ body: { token: `T${count}`, expires_in: 600 } }), {
    valid: (token) => token === valid,
  });
  const at = client().registry(registry.host);
  for (let i = 0; i < 3; i++) assert.is((await failureOf(at.resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
  assert.is(tokens.seen.length, 1);
  valid = 'T2';
  await Promise.all([1, 2, 3].map(() => failureOf(at.resolve('a/b', 'x'))));
  assert.is(tokens.seen.length, 2);
  valid = 'none';
  const error = await failureOf(at.resolve('a/b', 'x'));
  assert.is(error.code, 'UNAUTHORIZED');
  assert.is(tokens.seen.length, 3);
});

test('a token that was issued long ago is renewed in time; one whose time makes no sense is kept a minute', async () => {
  for (const [issued, want] of [
    [Date.now() - 57_000, 2],
    [Date.now() - 500_000, 1],
    [Date.now() + 500_000, 1],
  ] as const) {
    const { registry, tokens } = await tokenRegistry(() => ({
      body: { token: 'T', expires_in: 60, issued_at: new Date(issued).toISOString() },
    }));
    const at = client().registry(registry.host);
    for (let i = 0; i < 2; i++) await failureOf(at.resolve('a/b', 'x'));
    assert.is(tokens.seen.length, want);
  }
});

test('a scope that the registry asks for beyond ours is asked for too, and remembered', async () => {
  const more = 'repository:a/b:pull,write';
  let origin = '';
  const registry = await standIn((seen, response) => {
    const challenge = `Bearer realm="${origin}/token",service="s"${seen.url === '/v2/' ? '' : `,scope="${more}"`}`;
    if (seen.headers.authorization !== 'Bearer wide')
      return reply(response, 401, { headers: { 'www-authenticate': challenge } });
    return reply(response, 404);
  });
  const tokens = await standIn((seen, response) =>
    reply(response, 200, {
      body: JSON.stringify({ token: decodeURIComponent(seen.url).includes(more) ? 'wide' : 'narrow' }),
    }),
  );
  origin = tokens.origin;
  const at = client().registry(registry.host);
  for (let i = 0; i < 2; i++) assert.is((await failureOf(at.resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
  assert.equal(asked(tokens), [
    `GET /token?service=s&scope=${pull}&client_id=wherry`,
    `GET /token?service=s&scope=${pull}&scope=${more}&client_id=wherry`,
  ]);
});

const badAnswers: readonly (readonly [string, unknown])[] = [
  ['no token', {}],
  ['a number', { token: 5 }],
  ['a line break', { token: 'a\r\nx: y' }],
  ['a very long one', { token: 'x'.repeat(70_000) }],
  ['null', null],
];
for (const [name, body] of badAnswers) {
  test(`a token server's answer with ${name} is refused`, async () => {
    const { registry } = await tokenRegistry(() => ({ body }));
    assert.is((await failureOf(client().registry(registry.host).resolve('a/b', 'x'))).code, 'PROTOCOL_INVALID');
  });
}

test('credentials do not go to a token server that does not belong to the registry; it is asked without', async () => {
  const challenge = 'Bearer realm="https://tokens.example.invalid/t",service="s"';
  const { registry } = await tokenRegistry(() => ({ body: {} }), { challenge });
  const clients = client({ config: { auths: { [registry.host]: auth('u', 'canary') } } });
  const error = await failureOf(clients.registry(registry.host).resolve('a/b', 'x'));
  assert.is(error.code, 'NETWORK_FAILED');
  assert.match(clients.warnings().join(), /"tokens\.example\.invalid" for tokens, which does not belong to it/);
});

test('credentials do not follow a redirect of the token server', async () => {
  const other = await standIn((_, response) => reply(response, 200, { body: '{"token":"T"}' }));
  const tokens = await standIn((_, response) =>
    reply(response, 307, { headers: { location: `${other.origin}/elsewhere` } }),
  );
  const { registry } = await tokenRegistry(() => ({ body: {} }), { challenge: `Bearer realm="${tokens.origin}/t"` });
  const clients = client({ config: { auths: { [registry.host]: auth('u', 'canary') } } });
  assert.is((await failureOf(clients.registry(registry.host).resolve('a/b', 'x'))).code, 'MANIFEST_UNKNOWN');
  assert.match(tokens.seen[0]?.headers.authorization ?? '', /^Basic /);
  assert.is(other.seen[0]?.headers.authorization, undefined);
});

test('a 401 without a challenge is an error that says so', async () => {
  const registry = await standIn((_, response) => reply(response, 401));
  const error = await failureOf(client().registry(registry.host).resolve('a/b', 'x'));
  assert.is(error.code, 'UNAUTHORIZED');
  assert.match(error.message, /does not say how/);
});

test('a 401 without a challenge is answered with that of the ping', async () => {
  const tokens = await standIn((_, response) => reply(response, 200, { body: '{"token":"T"}' }));
  let refusals = 0;
  const registry = await standIn((seen, response) => {
    if (seen.url === '/v2/')
      return reply(response, 401, { headers: { 'www-authenticate': `Bearer realm="${tokens.origin}/t"` } });
    return refusals++ === 0 ? reply(response, 401) : reply(response, 404);
  });
  await failureOf(client().registry(registry.host).resolve('a/b', 'x'));
  assert.is(tokens.seen.length, 2);
});

test('stop the stand-ins', stopAll);
test.run();
