// `build`, the library's main call: one session around the river.
import { buildImage } from '../build/build.ts';
import type { BuildOptions, BuildResult } from '../build/options.ts';
import { type CommonOptions, inSession } from './session.ts';

/**
 * Executes a Dockerfile and writes the image where `outputs` say: by default into the store, under the tags. Nothing is
 * half-written on an error. Errors are `WherryError`s with a code, and a range where they are about an instruction.
 */
export async function build(options: BuildOptions & CommonOptions): Promise<BuildResult> {
  return inSession(options, (session) => buildImage(options, session));
}
