// Who owns what: `--chown` and USER specs, looked up in the passwd and group files of a root file system (passwd(5), group(5)).
import { didYouMean, WherryError } from '../errors.ts';

/** A line of /etc/passwd. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** A line of /etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The text of /etc/passwd and /etc/group, as far as they exist. */
export interface UserFiles {
  readonly passwd?: string | undefined;
  readonly group?: string | undefined;
}

/** Lines of a passwd file; what is not one is passed over. */
export function parsePasswd(text: string): PasswdEntry[] {
  return linesOf(text).flatMap(([name = '', , uid, gid, , home = '', shell = '']) => {
    const [user, group] = [parseId(uid), parseId(gid)];
    return name === '' || user === undefined || group === undefined
      ? []
      : [{ name, uid: user, gid: group, home, shell }];
  });
}

/** Lines of a group file; what is not one is passed over. */
export function parseGroup(text: string): GroupEntry[] {
  return linesOf(text).flatMap(([name = '', , gid, members = '']) => {
    const id = parseId(gid);
    return name === '' || id === undefined
      ? []
      : [{ name, gid: id, members: members.split(',').filter((member) => member !== '') }];
  });
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#+-]/.test(line))
    .map((line) => line.split(':'));
}

/** Largest id: 2^32 - 1 means "no change" to chown(2). */
const maxId = 0xfffffffe;

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

/**
 * Owner of `user[:group]`. Numbers are taken as they are, and a lone number is the group too; names are looked up, a lone
 * name takes its own group. A name that is unknown is an error here (BuildKit makes it 0 without a word).
 * @throws COPY_FAILED
 */
export function lookupOwner(spec: string, files: UserFiles): { readonly uid: number; readonly gid: number } {
  const colon = spec.indexOf(':');
  const user = colon < 0 ? spec : spec.slice(0, colon);
  const group = colon < 0 ? undefined : spec.slice(colon + 1);
  const found = lookupUser(user, spec, files);
  if (group === undefined || group === '') return found;
  return { uid: found.uid, gid: lookupGroup(group, spec, files) };
}

function lookupUser(user: string, spec: string, files: UserFiles): { readonly uid: number; readonly gid: number } {
  if (user === '') return { uid: 0, gid: 0 };
  const id = numberOf(user, spec);
  if (id !== undefined) return { uid: id, gid: id };
  const users = parsePasswd(files.passwd ?? '');
  const found = users.find((entry) => entry.name === user);
  if (found === undefined)
    throw unknownName({ what: 'user', name: user, spec, file: '/etc/passwd', text: files.passwd, known: users });
  return { uid: found.uid, gid: found.gid };
}

function lookupGroup(group: string, spec: string, files: UserFiles): number {
  const id = numberOf(group, spec);
  if (id !== undefined) return id;
  const groups = parseGroup(files.group ?? '');
  const found = groups.find((entry) => entry.name === group);
  if (found === undefined)
    throw unknownName({ what: 'group', name: group, spec, file: '/etc/group', text: files.group, known: groups });
  return found.gid;
}

function numberOf(text: string, spec: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const id = parseId(text);
  if (id === undefined)
    throw new WherryError('COPY_FAILED', `Cannot use owner "${spec}": ${text} is greater than ${maxId}`);
  return id;
}

interface UnknownName {
  readonly what: 'user' | 'group';
  readonly name: string;
  readonly spec: string;
  readonly file: string;
  readonly text: string | undefined;
  readonly known: readonly { readonly name: string }[];
}

function unknownName({ what, name, spec, file, text, known }: UnknownName): WherryError {
  const state =
    text === undefined
      ? `there is no ${file} to look it up in`
      : `it is not in ${file}${didYouMean(
          name,
          known.map((entry) => entry.name),
        )}`;
  const names = known
    .slice(0, 20)
    .map((entry) => entry.name)
    .join(', ');
  return new WherryError('COPY_FAILED', `Cannot use owner "${spec}": unknown ${what} "${name}": ${state}`, {
    hint:
      names === ''
        ? 'Use a number, which needs no look-up.'
        : `Use a number, or one of: ${names}${known.length > 20 ? ', …' : ''}.`,
  });
}
