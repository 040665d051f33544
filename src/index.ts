// The public API of the library: the same functions that the command line calls.
export type {
  AnnotationOption,
  BuildOptions,
  BuildResult,
  ContextSource,
  ImageOutputOptions,
  NamedContext,
  Output,
} from './build/options.ts';
export { type Code, factsOf, type Position, type SourceFile, type SourceRange, WherryError } from './errors.ts';
export { build, type LibraryBuildOptions } from './library/build.ts';
export {
  type HistoryLine,
  history,
  type Inspection,
  images,
  inspect,
  remove,
  type StoredImage,
  tag,
} from './library/images.ts';
export { login, logout, type ServedRegistry, serve } from './library/registry.ts';
export type { CommonOptions } from './library/session.ts';
export { tags } from './library/tags.ts';
export { copy, load, pull, push, save, type Transferred } from './library/transfer.ts';
export { type Platform, parsePlatform } from './oci/platform.ts';
export { formatReference, parseReference, type Reference } from './oci/reference.ts';
export type { Event } from './task.ts';

/** The package's version. */
export const version = '0.1.0';
