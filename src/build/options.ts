// What a build is told: the flags of `wherry build` and the options of the library's `build` end here.
import type { Readable } from 'node:stream';
import type { Platform } from '../oci/platform.ts';
import type { Reference } from '../oci/reference.ts';

/** Where the files of COPY and ADD come from. */
export type ContextSource =
  | { readonly kind: 'directory'; readonly path: string }
  /** A tar, perhaps compressed, or a lone Dockerfile: told apart by content. */
  | { readonly kind: 'stream'; readonly stream: Readable }
  | { readonly kind: 'git'; readonly url: string }
  /** A tarball, or a lone Dockerfile: told apart by content. */
  | { readonly kind: 'http'; readonly url: string }
  /** Path → content, of plain files of mode 0644. */
  | { readonly kind: 'files'; readonly files: Readonly<Record<string, string | Uint8Array>> };

/** A `--build-context`: replaces an image or a stage of that name, or serves `--from`. */
export type NamedContext =
  | ContextSource
  | { readonly kind: 'image'; readonly reference: Reference }
  | { readonly kind: 'layout'; readonly path: string; readonly selector: string };

/** Where the result goes. `dest` "-" is standard output. */
export type Output =
  /** The local store, under the tags; with `push` to their registries as well. */
  | {
      readonly kind: 'image';
      readonly push: boolean;
      readonly pushByDigest?: boolean;
      readonly names?: readonly Reference[];
      readonly options: ImageOutputOptions;
    }
  | {
      readonly kind: 'oci';
      readonly dest: string;
      readonly tar: boolean;
      readonly names?: readonly Reference[];
      readonly options: ImageOutputOptions;
    }
  | {
      readonly kind: 'docker';
      readonly dest: string;
      readonly names?: readonly Reference[];
      readonly options: ImageOutputOptions;
    }
  | { readonly kind: 'local'; readonly dest: string; readonly platformSplit?: boolean }
  | { readonly kind: 'tar'; readonly dest: string; readonly platformSplit?: boolean }
  | { readonly kind: 'cacheonly' };

/** Options that every image output has. */
export interface ImageOutputOptions {
  /** Default true; false writes Docker schema 2 media types. */
  readonly ociMediaTypes: boolean;
  readonly compression: 'gzip' | 'none';
  /** gzip: 1 to 9. */
  readonly compressionLevel?: number;
}

/** `--annotation`: where it goes, and for which platform (all when absent). */
export interface AnnotationOption {
  readonly on: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
  readonly platform?: Platform;
  readonly key: string;
  readonly value: string;
}

/** Everything that decides a build's result, and where it goes. */
export interface BuildOptions {
  readonly context: ContextSource;
  /** The Dockerfile's path (for a directory context relative to the working directory, else to the context), its text, or its stream. */
  readonly dockerfile?: string | { readonly text: string } | { readonly stream: Readable } | { readonly url: string };
  readonly tags?: readonly Reference[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly namedContexts?: Readonly<Record<string, NamedContext>>;
  readonly target?: string;
  /** Empty or absent: the host's. */
  readonly platforms?: readonly Platform[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: readonly AnnotationOption[];
  readonly noCache?: boolean;
  /** Stage names whose instructions are not looked up in the cache. */
  readonly noCacheFilter?: readonly string[];
  /** Ask the registry for every base's tag again, even where the store has it. */
  readonly pull?: boolean;
  /** Default: the store, under the tags. */
  readonly outputs?: readonly Output[];
  /** Seconds since 1970 that no new time exceeds. Default: build-arg or environment SOURCE_DATE_EPOCH, else 0. */
  readonly timestamp?: number;
}

/** What a build made. */
export interface BuildResult {
  /** Digest of the manifest, or of the index of several platforms. */
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** Digest of the config; absent for an index. */
  readonly configDigest?: string;
  /** The names it was stored or pushed under, each `registry/repository:tag@digest`; without tags just the digest. */
  readonly references: readonly string[];
  /** One for each platform, in the order asked for. */
  readonly images: readonly {
    readonly platform: string;
    readonly digest: string;
    readonly configDigest: string;
    readonly layers: readonly string[];
  }[];
}
