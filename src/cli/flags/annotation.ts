// --annotation and the annotation keys of --output → AnnotationOption: `[TYPE[,TYPE][[OS/ARCH]]:]KEY=VALUE`.
import type { AnnotationOption } from '../../build/options.ts';
import { WherryError } from '../../errors.ts';
import { parsePlatform } from '../../oci/platform.ts';

const places = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;
type Place = (typeof places)[number];

// A type list is lower-case words, each perhaps with a platform; a colon anywhere later belongs to the key.
const typed = /^((?:[a-z-]+(?:\[[^\]]*\])?)(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.+)$/s;

/** One `--annotation`: an option for each type it names. @throws ARGUMENT_INVALID */
export function parseAnnotation(text: string): readonly AnnotationOption[] {
  const equals = text.indexOf('=');
  if (equals < 1) throw bad(text, 'it is not KEY=VALUE');
  const [head, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const match = typed.exec(head);
  const key = match?.[2] ?? head;
  if (key === '' || /\s/.test(key)) throw bad(text, `"${key}" is no key`);
  if (match === null) return [{ on: 'manifest', key, value }];
  return (match[1] ?? '').split(/,(?![^[]*\])/).map((type) => ({ ...parsePlace(type, text), key, value }));
}

/** The key of an `--output` field, e.g. `annotation-index[linux/arm64].KEY`; undefined when it is no annotation. @throws ARGUMENT_INVALID */
export function parseAnnotationKey(field: string, value: string): AnnotationOption | undefined {
  const match = /^annotation(?:-(manifest-descriptor|index-descriptor|manifest|index))?(?:\[([^\]]*)\])?\.(.+)$/s.exec(
    field,
  );
  if (match === null) return undefined;
  const [, place = 'manifest', platform, key = ''] = match;
  return { ...parsePlace(platform === undefined ? place : `${place}[${platform}]`, field), key, value };
}

function parsePlace(
  text: string,
  whole: string,
): { readonly on: Place; readonly platform?: ReturnType<typeof parsePlatform> } {
  const match = /^([a-z-]+)(?:\[(.*)\])?$/.exec(text);
  const on = places.find((place) => place === match?.[1]);
  if (on === undefined) throw bad(whole, `unknown annotation type "${match?.[1] ?? text}"`);
  const platform = match?.[2];
  if (platform === undefined) return { on };
  if (on === 'index' || on === 'index-descriptor') throw bad(whole, `an ${on} has no platform`);
  return { on, platform: parsePlatform(platform) };
}

function bad(text: string, why: string): WherryError {
  return new WherryError('ARGUMENT_INVALID', `invalid annotation "${text}": ${why}`, {
    hint: `Want [TYPE:]KEY=VALUE, with TYPE ${places.slice(0, -1).join(', ')} or ${places.at(-1)}.`,
  });
}
