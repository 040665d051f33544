// Time limit: 600 s
// Layers have the same bytes on every supported version of Node: the golden digests hold under each. The versions come
// from npm; where npm cannot be reached this is a failure in CI, and elsewhere the test says that it did not check.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeVersions, runUnderNodeVersions } from '../../scripts/node-versions.ts';

test(`writeLayer: the golden digests under Node ${nodeVersions.join(', ')}`, async () => {
  for (const outcome of await runUnderNodeVersions('dist/test/layer/golden.test.js')) {
    if (outcome.node === undefined && !process.env['CI']) {
      console.log(`Node ${outcome.version} could not be installed: not checked`);
      continue;
    }
    assert.ok(outcome.passed, `Node ${outcome.node ?? outcome.version}: ${outcome.output}`);
  }
});

test.run();
