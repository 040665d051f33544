// Golden cases about the Dockerfile's text, arguments, metadata, stages and bases.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { caseNames } from './cases/case.ts';
import { runCases, topicOf, topics } from './cases/run.ts';

runCases(topics.text);

test('golden cases: each belongs to a topic, so that it is built', () => {
  const known: readonly string[] = [...topics.text, ...topics.copying];
  assert.equal(
    caseNames().filter((name) => !known.includes(topicOf(name))),
    [],
  );
});

test.run();
