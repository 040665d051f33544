import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { configDocument, type ImageConfig, parseConfig } from '../../src/oci/config.ts';
import { descriptorOf } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

const config: ImageConfig = {
  os: 'linux',
  architecture: 'arm',
  variant: 'v7',
  config: { Labels: { b: '2', a: '1' }, Env: ['A=1'], Cmd: [], OnBuild: ['COPY . .'], Healthcheck: { Test: ['NONE'] } },
  rootfs: { type: 'layers', diff_ids: [] },
  history: [{ created_by: 'ENV A=1', empty_layer: true }],
  created: '1970-01-01T00:00:00Z',
};

test('configDocument orders keys, and leaves out what is empty', () => {
  assert.is(
    Buffer.from(configDocument(config).bytes).toString(),
    '{"architecture":"arm","config":{"Env":["A=1"],"Healthcheck":{"Test":["NONE"]},"Labels":{"a":"1","b":"2"},"OnBuild":["COPY . ."]},"created":"1970-01-01T00:00:00Z","history":[{"created_by":"ENV A=1","empty_layer":true}],"os":"linux","rootfs":{"type":"layers","diff_ids":[]},"variant":"v7"}',
  );
});

test('parseConfig reads back what configDocument wrote', () => {
  const { bytes, descriptor } = configDocument(config);
  const again = configDocument(parseConfig(bytes, descriptor).value);
  assert.is(again.descriptor.digest, descriptor.digest);
});

for (const text of ['', '[]', '{"os":"linux"}', '{"os":"linux","architecture":"x","rootfs":{"diff_ids":7}}'])
  test(`parseConfig refuses ${JSON.stringify(text)}`, () => {
    const bytes = Buffer.from(text);
    assert.throws(
      () => parseConfig(bytes, descriptorOf(bytes, mediaTypes.config)),
      (error: unknown) => isError(error, 'CONFIG_INVALID'),
    );
  });

test('parseConfig takes null for absent, as Docker writes it', () => {
  const bytes = Buffer.from(
    '{"os":"linux","architecture":"x","config":{"Cmd":null,"Volumes":null},"history":null,"variant":null}',
  );
  const { value } = parseConfig(bytes, descriptorOf(bytes, mediaTypes.config));
  assert.equal(value.config, {});
  assert.equal(value.history, []);
  assert.ok(configDocument(value).bytes.byteLength > 0);
});

test('parseConfig checks digest and size', () => {
  const bytes = Buffer.from('{}');
  assert.throws(() => parseConfig(bytes, { mediaType: mediaTypes.config, digest: digestOf('x'), size: 2 }), /digest/);
  assert.throws(() => parseConfig(bytes, { mediaType: mediaTypes.config, digest: digestOf('{}'), size: 3 }), /bytes/);
});

test.run();
