// --build-arg, --label and --add-host: `key=value` texts → records.
import { isIP } from 'node:net';
import { WherryError } from '../../errors.ts';

/** `KEY=VALUE` gives the value, `KEY` that of the environment; one that is not set there is left out. @throws ARGUMENT_INVALID */
export function parseBuildArgs(values: readonly string[], env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const pairs: [string, string][] = [];
  for (const value of values) {
    const equals = value.indexOf('=');
    const key = equals < 0 ? value : value.slice(0, equals);
    if (key === '')
      throw new WherryError('ARGUMENT_INVALID', `invalid value for --build-arg: "${value}": it has no name`, {
        hint: "Want KEY=VALUE, or KEY alone for the environment's value.",
      });
    const text = equals < 0 ? env[key] : value.slice(equals + 1);
    if (text !== undefined) pairs.push([key, text]);
  }
  return Object.fromEntries(pairs);
}

/** `KEY=VALUE`; `KEY` alone is empty. @throws ARGUMENT_INVALID */
export function parseLabels(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=');
      const key = equals < 0 ? value : value.slice(0, equals);
      if (key === '')
        throw new WherryError('ARGUMENT_INVALID', `invalid value for --label: "${value}": it has no name`, {
          hint: 'Want KEY=VALUE.',
        });
      return [key, equals < 0 ? '' : value.slice(equals + 1)];
    }),
  );
}

/** A line of /etc/hosts. */
export interface HostLine {
  readonly host: string;
  readonly address: string;
}

/** `HOST:IP` or `HOST=IP`, IPv6 with or without brackets. @throws ARGUMENT_INVALID */
export function parseAddHost(value: string): HostLine {
  const fail = (why: string): WherryError =>
    new WherryError('ARGUMENT_INVALID', `bad format for add-host: "${value}": ${why}`, {
      hint: 'Want HOST:IP, e.g. db:10.0.0.7 or db:[::1].',
    });
  const equals = value.indexOf('=');
  const at = equals >= 0 ? equals : value.indexOf(':');
  if (at < 1) throw fail('it is not HOST:IP');
  const address = value.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (address === 'host-gateway')
    throw new WherryError(
      'UNIMPLEMENTED',
      'Cannot use host-gateway in --add-host: there is no daemon whose gateway it could be',
      { hint: 'Give the address itself.' },
    );
  if (isIP(address) === 0) throw fail(`"${address}" is no IP address`);
  return { host: value.slice(0, at), address };
}
