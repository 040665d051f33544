import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { failure, reasonOf } from './failure.ts';

/** An instruction after FROM, and why it is refused. */
function check(rows: readonly (readonly [string, string])[]): void {
  for (const [text, reason] of rows) assert.is(reasonOf(text), reason, text);
}

test('parseDockerfile refuses files as a whole without a line', () => {
  const rows: [string, string][] = [
    ['', 'the Dockerfile cannot be empty'],
    ['\ufeff', 'the Dockerfile cannot be empty'],
    ['\n \n', 'file with no instructions'],
    ['# a\n#b', 'file with no instructions'],
    ['# escape=`\n', 'file with no instructions'],
    ['ARG a\n', 'dockerfile contains no stages to build'],
  ];
  for (const [text, message] of rows) {
    const error = failure(() => parseDockerfile(text, 'Dockerfile'));
    assert.is(error.message, message);
    assert.is(error.range, undefined);
  }
});

test('parseDockerfile refuses what stands before the first FROM', () => {
  const error = failure(() => parseDockerfile('ARG a\nRUN x\nFROM b', 'Dockerfile'));
  assert.is(error.message, 'dockerfile parse error on line 2: no build stage in current context');
  assert.is(error.range?.start.line, 2);
});

test('unknown instructions are named, with the nearest one', () => {
  check([
    ['FNTRYPOINT x', 'unknown instruction: FNTRYPOINT (did you mean ENTRYPOINT?)'],
    ['fntrypoint x', 'unknown instruction: fntrypoint (did you mean entrypoint?)'],
    ['COPPY a b', 'unknown instruction: COPPY (did you mean COPY?)'],
    ['EVN a=b', 'unknown instruction: EVN (did you mean ENV?)'],
    ['INCLUDE a', 'unknown instruction: INCLUDE'],
    ['"RUN" a', 'unknown instruction: "RUN" (did you mean RUN?)'],
    ['&& a', 'unknown instruction: &&'],
  ]);
  assert.match(reasonOf('\\\n'), /^unknown instruction: $/);
});

test('wrong numbers of arguments', () => {
  check([
    ['ADD', 'ADD requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['COPY a', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    [
      'COPY ["a"]',
      'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
    ],
    ['ARG', 'ARG requires at least one argument'],
    ['ENV', 'ENV requires at least one argument'],
    ['LABEL', 'LABEL requires at least one argument'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['SHELL', 'SHELL requires at least one argument'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['STOPSIGNAL', 'STOPSIGNAL requires exactly one argument'],
    ['MAINTAINER', 'MAINTAINER requires exactly one argument'],
    ['MAINTAINER --x', 'MAINTAINER requires exactly one argument'],
    ['FROM', 'FROM requires either one or three arguments'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a as', 'FROM requires either one or three arguments'],
    ['FROM a is b', 'FROM requires either one or three arguments'],
    ['FROM a as b c', 'FROM requires either one or three arguments'],
  ]);
});

test('names and values', () => {
  const nameError = "name can't start with a number or contain symbols";
  check([
    ['ENV a', 'ENV must have two arguments'],
    ['LABEL a', 'LABEL must have two arguments'],
    ['ENV a=b c', 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
    ['LABEL a=b "c d"', 'Syntax error - can\'t find = in "\\"c d\\"". Must be of the form: name=value'],
    ['ENV =a', 'ENV names can not be blank'],
    ['LABEL a=b =c', 'LABEL names can not be blank'],
    ['ARG =a', 'ARG names can not be blank'],
    ['FROM a AS 1b', `invalid name for build stage: "1b", ${nameError}`],
    ['FROM a AS B/c', `invalid name for build stage: "B/c", ${nameError}`],
    ['FROM a AS $B', `invalid name for build stage: "$B", ${nameError}`],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['VOLUME ["a", " "]', 'VOLUME specified can not be an empty string'],
  ]);
});

test('JSON arrays of other things than strings, and SHELL without JSON', () => {
  const reason = 'when using JSON array syntax, arrays must be comprised of strings only';
  for (const name of ['ADD', 'COPY', 'VOLUME', 'CMD', 'ENTRYPOINT', 'RUN', 'SHELL', 'HEALTHCHECK CMD', 'ONBUILD RUN']) {
    check([
      [`${name} ["a", 1]`, reason],
      [`${name} [["a"], "b"]`, reason],
      [`${name} [null]`, reason],
    ]);
  }
  check([
    ['SHELL /bin/bash -c', 'SHELL requires the arguments to be in JSON form'],
    ["SHELL ['a']", 'SHELL requires the arguments to be in JSON form'],
  ]);
});

test('flags', () => {
  check([
    ['RUN --mont=x y', 'unknown flag: --mont (did you mean mount?)'],
    ['RUN --foo y', 'unknown flag: --foo'],
    ['COPY --form=a b c', 'unknown flag: --form (did you mean from?)'],
    ['COPY --unpack a b', 'unknown flag: --unpack'],
    ['ADD --from=a b c', 'unknown flag: --from'],
    ['ADD --parents b c', 'unknown flag: --parents'],
    ['FROM --platfrom=a b', 'unknown flag: --platfrom (did you mean platform?)'],
    ['CMD --a b', 'unknown flag: --a'],
    ['ENTRYPOINT --a b', 'unknown flag: --a'],
    ['ENV --a=b c=d', 'unknown flag: --a'],
    ['LABEL --a=b c=d', 'unknown flag: --a'],
    ['EXPOSE --a 80', 'unknown flag: --a'],
    ['USER --a b', 'unknown flag: --a'],
    ['WORKDIR --a b', 'unknown flag: --a'],
    ['VOLUME --a b', 'unknown flag: --a'],
    ['SHELL --a ["b"]', 'unknown flag: --a'],
    ['MAINTAINER --a b', 'unknown flag: --a'],
    ['ONBUILD --a RUN b', 'unknown flag: --a'],
    ['HEALTHCHECK --interval-=1s CMD a', 'unknown flag: --interval- (did you mean interval?)'],
    ['COPY --__proto__=a b c', 'unknown flag: --__proto__'],
    ['COPY --from a b', 'missing a value on flag: --from'],
    ['COPY --exclude a b', 'missing a value on flag: --exclude'],
    ['COPY --link= a b', 'missing a value on flag: --link'],
    ['COPY --link=yes a b', 'expecting boolean value for flag --link, not: yes'],
    ['COPY --from=a --from=b c d', 'duplicate flag specified: --from'],
    ['COPY --link --link=false c d', 'duplicate flag specified: --link'],
    ['RUN --network=a --network=b c', 'duplicate flag specified: --network'],
    ['RUN --network=foo a', 'invalid network mode "foo"'],
    ['RUN --network= a', 'invalid network mode ""'],
    ['RUN --security=foo a', 'security "foo" is not valid'],
    ['RUN --device= a', 'failed to parse csv devices: EOF'],
    ['RUN --device=a,b c', "invalid field 'b' must be a key=value pair"],
    ['RUN --device=a/b=c,requird=true d', "unexpected key 'requird' in 'requird=true' (did you mean required?)"],
    ['RUN --device=a,required=x b', 'invalid value for required: x'],
  ]);
});

test('COPY and ADD', () => {
  const expansion =
    'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround';
  check([
    ['COPY --from=$A b c', expansion],
    ['COPY --from=a${A}b b c', expansion],
    ['COPY --from=${A b c', 'failed to process "${A": syntax error: missing \'}\''],
    ['COPY a <<EOF\nx\nEOF', 'COPY cannot accept a heredoc as a destination'],
    ['ADD a <<EOF\nx\nEOF', 'ADD cannot accept a heredoc as a destination'],
    ['COPY <<EOF a', 'unterminated heredoc'],
    ['RUN <<EOF\n EOF\nEOF ', 'unterminated heredoc'],
    ['RUN <<EOF <<END\nEOF', 'unterminated heredoc'],
  ]);
});

test('HEALTHCHECK', () => {
  check([
    ['HEALTHCHECK NONE a', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK NONE ["a"]', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK CMD []', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK foo a', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK curl', 'Unknown type "CURL" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK --interval=1us CMD a', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --start-period=-1s CMD a', 'Interval "start-period" cannot be less than 1ms'],
    ['HEALTHCHECK --timeout=5 CMD a', 'time: missing unit in duration "5"'],
    ['HEALTHCHECK --timeout=5d CMD a', 'time: unknown unit "d" in duration "5d"'],
    ['HEALTHCHECK --timeout=x CMD a', 'time: invalid duration "x"'],
    ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --retries=x CMD a', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['HEALTHCHECK --retries=3000000000 CMD a', 'strconv.ParseInt: parsing "3000000000": value out of range'],
  ]);
});

test('ONBUILD', () => {
  check([
    ['ONBUILD ONBUILD RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD from a', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD Maintainer a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ['ONBUILD ENV a', 'ENV must have two arguments'],
    ['ONBUILD HEALTHCHECK CMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['ONBUILD COPY <<EOF a\nx', 'unterminated heredoc'],
  ]);
});

test('errors carry code, file, hint where there is a next step, and the lines of the instruction', () => {
  const text = 'FROM a\n\n# c\nRUN --mont=x \\\n # d\n\n  y\nRUN z\n';
  const error = failure(() => parseDockerfile(text, 'sub/Dockerfile'));
  assert.is(error.message, 'dockerfile parse error on line 4: unknown flag: --mont (did you mean mount?)');
  assert.equal(error.range, {
    file: { name: 'sub/Dockerfile', text },
    start: { line: 4, character: 0 },
    end: { line: 7, character: 3 },
  });
  const heredoc = failure(() => parseDockerfile('FROM a\nRUN <<EOF --x\nb\nEOF\nCOPY <<EOF <<EOF\nEOF\nEOF\n', 'D'));
  assert.is(heredoc.range?.start.line, 5);
  assert.is(heredoc.range?.end.line, 7);
  assert.is(failure(() => parseDockerfile('FROM a\nENV b', 'D')).hint, 'Write ENV name=value.');
  assert.is(
    failure(() => parseDockerfile('FROM a\nRUN b\n && c', 'D')).hint,
    'End the line before it with \\ if it goes on here.',
  );
});

test('the first error of the file is the one that is told', () => {
  const error = failure(() => parseDockerfile('FROM a\nINCLUDE\nENV b\nRUN <<E', 'D'));
  assert.is(error.message, 'dockerfile parse error on line 2: unknown instruction: INCLUDE');
});

test.run();
