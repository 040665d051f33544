// FROM, and the instructions whose arguments are plain words: EXPOSE, MAINTAINER, STOPSIGNAL, USER, VOLUME, WORKDIR.
// Dockerfile reference, each under its name; messages are BuildKit's.
import { given } from '../given.ts';
import type {
  ExposeInstruction,
  FromInstruction,
  MaintainerInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from '../instruction.ts';
import { parseStageName } from '../names.ts';
import { parseFlags } from '../syntax/flags.ts';
import { parseJsonForm, splitBlanks } from '../syntax/split.ts';
import type { Statement } from '../syntax/statement.ts';
import { trim } from '../words/space.ts';
import { atLeastOne, baseOf, exactlyOne, invalid, refuseFlags } from './arguments.ts';

/** FROM. */
export function readFrom(statement: Statement): FromInstruction {
  const [image, as, alias, ...others] = splitBlanks(statement.rest);
  const named = alias !== undefined && as?.toLowerCase() === 'as' && others.length === 0;
  if (image === undefined || (as !== undefined && !named)) throw invalid('FROM requires either one or three arguments');
  if (alias !== undefined) parseStageName(alias);
  const { platform } = parseFlags(statement.flags, { platform: 'text' });
  return { ...baseOf(statement), kind: 'FROM', image, ...given({ platform: platform || undefined, alias }) };
}

/** EXPOSE: the words as written and in their order; BuildKit sorts them before it expands them. */
export function readExpose(statement: Statement): ExposeInstruction {
  const ports = splitBlanks(statement.rest);
  if (ports.length === 0) throw atLeastOne('EXPOSE');
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'EXPOSE', ports };
}

/** MAINTAINER. */
export function readMaintainer(statement: Statement): MaintainerInstruction {
  const name = exactlyOne(statement, 'MAINTAINER');
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'MAINTAINER', name };
}

/** STOPSIGNAL. Its flags mean nothing, as in BuildKit. */
export function readStopsignal(statement: Statement): StopsignalInstruction {
  return { ...baseOf(statement), kind: 'STOPSIGNAL', signal: exactlyOne(statement, 'STOPSIGNAL') };
}

/** USER. */
export function readUser(statement: Statement): UserInstruction {
  const user = exactlyOne(statement, 'USER');
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'USER', user };
}

/** VOLUME. */
export function readVolume(statement: Statement): VolumeInstruction {
  const paths = (parseJsonForm(statement.rest) ?? splitBlanks(statement.rest)).map(trim);
  if (paths.length === 0) throw atLeastOne('VOLUME');
  refuseFlags(statement);
  if (paths.includes('')) throw invalid('VOLUME specified can not be an empty string');
  return { ...baseOf(statement), kind: 'VOLUME', paths };
}

/** WORKDIR. */
export function readWorkdir(statement: Statement): WorkdirInstruction {
  const path = exactlyOne(statement, 'WORKDIR');
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'WORKDIR', path };
}
