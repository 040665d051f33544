// Arbitrary text: whatever comes in, a result or a WherryError comes out, and soon.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { expandHeredoc, expandWord, expandWords } from '../../src/dockerfile/expand.ts';
import { parseMount } from '../../src/dockerfile/mount.ts';
import { parseDockerfile, parseTrigger } from '../../src/dockerfile/parse.ts';
import { isError, WherryError } from '../../src/errors.ts';

/** Runs `work`; its result, or undefined for an error that users may meet. */
function survive<T>(work: () => T): T | undefined {
  const began = performance.now();
  try {
    return work();
  } catch (error) {
    if (!isError(error, 'DOCKERFILE_INVALID')) throw error;
    return undefined;
  } finally {
    assert.ok(performance.now() - began < 5000, 'took too long');
  }
}

const pieces = [
  ...[
    'FROM a',
    'FROM a AS b',
    'RUN',
    'COPY',
    'ADD a b',
    'ENV',
    'LABEL',
    'ARG',
    'CMD',
    'ONBUILD',
    'HEALTHCHECK',
    'EXPOSE 80',
  ],
  ...[
    '\n',
    '\n',
    '\n',
    ' ',
    '\\\n',
    '\\',
    '`',
    '\r\n',
    '\t',
    '#',
    '# escape=`\n',
    '\n#x\n',
    '\ufeff',
    '\u2028',
    '\u00a0',
  ],
  ...[
    '<<EOF',
    '<<-EOF',
    '<<"EOF"',
    '\nEOF\n',
    '\tEOF\n',
    '<<',
    '3<<a',
    '["a"]',
    '[',
    ']',
    '"',
    "'",
    '--mount=',
    '--from=',
    '--',
    '--x',
  ],
  ...[
    'a=b',
    '=',
    '$',
    '${',
    '}',
    '$A',
    '${A:-',
    '${A#',
    '${A//',
    '/',
    ':',
    '*',
    '?',
    'type=cache',
    ',',
    'target=/x',
    '한',
    '😀',
    '\ud800',
    '\0',
  ],
] as const;
const text = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, fc.string()), { maxLength: 60 })
  .map((parts) => parts.join(''));

test('parseDockerfile: a tree or a WherryError for any text, with ranges inside the file', () => {
  fc.assert(
    fc.property(text, fc.boolean(), (body, from) => {
      const source = from ? `FROM scratch\n${body}` : body;
      const count = source.split('\n').length;
      try {
        const { stages } = parseDockerfile(source, 'D');
        for (const { range } of stages.flatMap((stage) => [stage.from, ...stage.instructions])) {
          assert.ok(range.start.line >= 1 && range.end.line >= range.start.line && range.end.line <= count);
        }
      } catch (error) {
        if (!(error instanceof WherryError)) throw error;
        if (error.range === undefined) return;
        assert.match(error.message, /^dockerfile parse error on line [0-9]+: /);
        assert.ok(error.range.start.line >= 1 && error.range.end.line <= count);
      }
    }),
    { numRuns: 3000 },
  );
});

test('parseDockerfile: any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void survive(() => parseDockerfile(bytes, 'D'))));
});

test('parseTrigger: any text that an image may carry', () => {
  const range = parseDockerfile('FROM a', 'D').stages[0]?.from.range;
  assert.ok(range);
  fc.assert(fc.property(text, (trigger) => void survive(() => parseTrigger(trigger, range))));
});

test('parseDockerfile: a RUN script without special characters is what was written', () => {
  const plain = fc.stringMatching(/^[a-z](?:[a-z &|;()$"'=.-]*[a-z])?$/);
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 5 }), (parts) => {
      const parsed = parseDockerfile(`FROM a\nRUN ${parts.join(' \\\n')}\n`, 'D').stages[0]?.instructions[0];
      assert.equal(parsed?.kind === 'RUN' ? parsed.command : undefined, { form: 'shell', script: parts.join(' ') });
    }),
  );
});

test('parseDockerfile: JSON arguments are what JSON says', () => {
  const string = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\\'));
  fc.assert(
    fc.property(fc.array(string), (args) => {
      const parsed = parseDockerfile(`FROM a\nCMD ${JSON.stringify(args)}\n`, 'D').stages[0]?.instructions[0];
      assert.equal(parsed?.kind === 'CMD' ? parsed.command : undefined, { form: 'exec', args });
    }),
  );
});

const values = new Map([
  ['A', 'abcab'],
  ['E', ''],
]);

test('expandWord: a text or a WherryError for any word', () => {
  fc.assert(
    fc.property(text, fc.constantFrom('\\' as const, '`' as const), (word, escape) => {
      survive(() => expandWord(word, values, { escape }));
      survive(() => expandWords(word, values, { escape }));
      survive(() => expandHeredoc(word, values));
    }),
    { numRuns: 3000 },
  );
});

test('expandWord: single quotes and escapes give any text back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const quoted = `'${value.replaceAll("'", `'"'"'`)}'`;
      assert.is(expandWord(quoted, values, { escape: '\\' }), value);
      const escaped = Array.from(value, (character) => `\\${character}`).join('');
      assert.is(expandWord(escaped, values, { escape: '\\' }), value);
      assert.is(expandWord('$V"${V}"', new Map([['V', value]]), { escape: '\\' }), value + value);
    }),
  );
});

test('expandWords joined is expandWord, but for white space', () => {
  fc.assert(
    fc.property(text, (word) => {
      const whole = survive(() => expandWord(word, values, { escape: '\\' }));
      const words = survive(() => expandWords(word, values, { escape: '\\' }));
      const bare = (value: string | undefined): string | undefined => value?.replace(/[\s\u0085]/g, '');
      assert.is(bare(words?.join('')), bare(whole));
    }),
  );
});

test('parseMount: a mount or a WherryError for any text', () => {
  const field = fc.constantFrom(
    'type=cache',
    'type=$T',
    'type=secret',
    'id=a',
    'target=/x',
    'ro',
    'rw=0',
    '"',
    'size=1',
    'mode=9',
    'from=a',
    'env',
    ',,',
  );
  const mount = fc.array(fc.oneof(field, fc.string())).map((fields) => fields.join(','));
  fc.assert(fc.property(mount, (value) => void survive(() => parseMount(value))));
});

test('parseDockerfile: hostile lengths take a moment', () => {
  const many = (unit: string, length = 65_000): string => unit.repeat(length / unit.length);
  const bodies = [
    `RUN ${many('\r')}x`,
    `RUN << ${many(' ')}<`,
    `RUN <<A${many(' <<A')}\n${many('A\n', 200_000)}`,
    `RUN ${many('[')}`,
    `CMD ${many('["a",')}`,
    `RUN ${many('\\ ')}x`,
    `ENV ${many('a=b ')}`,
    `ENV a=${many('"')}x`,
    `COPY ${many('a ')}b`,
    `RUN --${many('a')} x`,
    `${many('A')} x`,
    `RUN cat <<${many('${A:-')}`,
    `RUN cat <<${many('"$A"')}`,
    `RUN --mount=${many('a,')} x`,
    `#${many(' ')}escape${many(' ', 60_000)}x`,
    `# escape=${many(' ', 60_000)}x`,
    `RUN a ${many('\\\n', 400_000)}b`,
    `RUN a \\\n${many('# c\n', 400_000)}b`,
    many('RUN a\n', 600_000),
    `COPY --from=${many('$')} a b`,
    `HEALTHCHECK ${many('\u2003')}x`,
    `FROM a AS ${many('a-')}`,
  ];
  for (const body of bodies) survive(() => parseDockerfile(`FROM scratch\n${body}\n`, 'D'));
  survive(() => parseDockerfile(`# syntax=${many('a/')}\nFROM a`, 'D'));
  survive(() => parseDockerfile(`{${many(' ')}"syntax":`, 'D'));
});

test.run();
