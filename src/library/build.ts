// `build`, the library's main call: one session around the river. What may be said shortly (names, platforms, a directory)
// is read here; behind it options have one form.
import { buildImage } from '../build/build.ts';
import type { BuildOptions, BuildResult, ContextSource, Output } from '../build/options.ts';
import { type Platform, parsePlatform } from '../oci/platform.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import { type CommonOptions, inSession } from './session.ts';

/** What `build` of the library takes: `BuildOptions`, with text where text says it all. */
export interface LibraryBuildOptions extends Omit<BuildOptions, 'context' | 'tags' | 'platforms'>, CommonOptions {
  /** A directory's path, or any other source. */
  readonly context: string | ContextSource;
  /** Names as in `docker build -t`. */
  readonly tags?: readonly (string | Reference)[];
  /** As in `linux/arm64`. */
  readonly platforms?: readonly (string | Platform)[];
  /** Push to the registries of the tags: the same as an output of kind `image` with `push`. */
  readonly push?: boolean;
}

const pushOutput: Output = { kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } };

/**
 * Executes a Dockerfile and writes the image where `outputs` say: by default into the store, under the tags. Nothing is
 * half-written on an error. Errors are `WherryError`s with a code, and a range where they are about an instruction.
 */
export async function build(options: LibraryBuildOptions): Promise<BuildResult> {
  const { context, tags = [], platforms = [], push = false, ...rest } = options;
  const built: BuildOptions & CommonOptions = {
    ...rest,
    context: typeof context === 'string' ? { kind: 'directory', path: context } : context,
    tags: tags.map((tag) => (typeof tag === 'string' ? parseReference(tag) : tag)),
    platforms: platforms.map((platform) => (typeof platform === 'string' ? parsePlatform(platform) : platform)),
    ...(push ? { outputs: [...(rest.outputs ?? []), pushOutput] } : {}),
  };
  return inSession(built, (session) => buildImage(built, session));
}
