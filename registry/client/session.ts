// A blob on its way; `Location` of its upload session → the URL to go on with. Registries behind proxies get scheme and port wrong, and the
// query holds their state (distribution spec, "Pushing a blob in chunks").
import { WherryError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { OnBytes, OpenBytes } from '../registry.ts';
import type { Host } from './host.ts';
import { type HttpResponse, parseUrl } from './wire/message.ts';

/** A blob on its way. */
export interface Upload {
  readonly host: Host;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly open: OpenBytes;
  /** Hears each byte once, also when some are sent again. */
  readonly onBytes: OnBytes;
}

/** The session that an answer names. @throws PROTOCOL_INVALID */
export function locationOf(response: HttpResponse): URL {
  const text = response.headers.get('location')?.trim() ?? '';
  const target = text === '' ? undefined : sessionUrl(text, response.url);
  if (target === undefined)
    throw new WherryError(
      'PROTOCOL_INVALID',
      `Cannot upload to "${response.url.host}": it gave no location to upload to`,
    );
  return target;
}

/** A location as `base` gave it → URL; undefined where it is none. */
export function sessionUrl(text: string, base: URL): URL | undefined {
  // `registry:5000/v2/…`, without a scheme, would parse as one.
  const bare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && /^[^/?]+(?::\d+)?\/v2\//.test(text);
  const target = parseUrl(bare ? `${base.protocol}//${text}` : text, base);
  if (target === undefined || !/^https?:$/.test(target.protocol)) return undefined;
  target.username = '';
  target.password = '';
  target.hash = '';
  const lostPort = target.port === '' || target.port === base.port;
  // A proxy before the registry ends TLS or moves the port, and the registry does not know.
  if (target.hostname === base.hostname && lostPort) {
    target.protocol = base.protocol;
    target.port = base.port;
  }
  return target;
}
