// Names of images in FROM and `--from` → the `--build-context` that replaces them, or the image at its registry. Each image
// is looked up once (buildx, "--build-context"; reference: Dockerfile reference, "FROM").
import { WherryError } from '../errors.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import { formatFamiliar, parseReference, type Reference } from '../oci/reference.ts';
import type { NamedContext } from './options.ts';
import type { BaseImage } from './step.ts';

/** Finds a base image: at a registry or in a layout. */
export type ResolveBase = (
  source:
    | { readonly kind: 'reference'; readonly reference: Reference }
    | { readonly kind: 'layout'; readonly path: string; readonly selector: string },
  platform: Platform,
) => Promise<BaseImage>;

/** What names mean in one build. */
export interface NameTable {
  /** The named context for this name, if there is one: `name::os/arch` before `name`. */
  context(name: string, platform: Platform): NamedContext | undefined;
  /** The image of this name. @throws REFERENCE_INVALID, and what looking it up throws */
  image(name: string, platform: Platform): Promise<BaseImage>;
  /** The image that a named context stands for. */
  contextImage(context: NamedContext & { kind: 'image' | 'layout' }, platform: Platform): Promise<BaseImage>;
}

/** A table for one build; `resolve` is called once for each image and platform. */
export function createNameTable(
  namedContexts: Readonly<Record<string, NamedContext>>,
  resolve: ResolveBase,
): NameTable {
  const contexts = new Map(Object.entries(namedContexts).map(([name, context]) => [normalKey(name), context]));
  const images = new Map<string, Promise<BaseImage>>();
  const once = (source: Parameters<ResolveBase>[0], platform: Platform): Promise<BaseImage> => {
    const key = `${JSON.stringify(source)} ${formatPlatform(platform)}`;
    const known = images.get(key) ?? resolve(source, platform);
    images.set(key, known);
    return known;
  };
  return {
    context: (name, platform) => {
      const normal = normalName(name);
      return contexts.get(`${normal}::${formatPlatform(platform)}`) ?? contexts.get(normal);
    },
    image: async (name, platform) => once({ kind: 'reference', reference: imageReference(name) }, platform),
    contextImage: async (context, platform) =>
      once(context.kind === 'image' ? { kind: 'reference', reference: context.reference } : context, platform),
  };
}

/** All spellings of one image (`alpine`, `docker.io/library/alpine:latest`) have one normal name; other names are their own. */
function normalName(name: string): string {
  try {
    return formatFamiliar(parseReference(name)).replace(/:latest$/, '');
  } catch {
    return name.toLowerCase();
  }
}

function normalKey(key: string): string {
  const colons = key.indexOf('::');
  return colons < 0 ? normalName(key) : `${normalName(key.slice(0, colons))}${key.slice(colons)}`;
}

function imageReference(name: string): Reference {
  try {
    return parseReference(name);
  } catch (cause) {
    throw new WherryError('REFERENCE_INVALID', `failed to parse stage name "${name}": invalid reference format`, {
      cause,
      hint: cause instanceof WherryError ? cause.hint : undefined,
    });
  }
}
