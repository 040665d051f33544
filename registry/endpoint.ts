// The distribution spec's endpoints as values: URL ⇄ Endpoint, one grammar for client and server (spec, "Endpoints").
// `parseEndpoint` turns a method and a URL into an Endpoint; `formatEndpoint` is its inverse.
import type { Digest } from '../src/oci/digest.ts';

/** One request of the protocol. Numbers are those of the spec's endpoint table. */
export type Endpoint =
  /** end-1 */
  | { readonly kind: 'ping' }
  /** end-2; `head` for HEAD */
  | { readonly kind: 'get-blob'; readonly repository: string; readonly digest: Digest; readonly head: boolean }
  /** end-3 */
  | { readonly kind: 'get-manifest'; readonly repository: string; readonly selector: string; readonly head: boolean }
  /** end-4a, end-4b (`digest`), end-11 (`mount`, perhaps `from`) */
  | { readonly kind: 'start-upload'; readonly repository: string; readonly digest?: Digest; readonly mount?: Digest; readonly from?: string }
  /** end-5 */
  | { readonly kind: 'patch-upload'; readonly repository: string; readonly session: string }
  /** end-6 */
  | { readonly kind: 'finish-upload'; readonly repository: string; readonly session: string; readonly digest: Digest }
  /** end-13 */
  | { readonly kind: 'get-upload'; readonly repository: string; readonly session: string }
  /** end-14 */
  | { readonly kind: 'cancel-upload'; readonly repository: string; readonly session: string }
  /** end-7 */
  | { readonly kind: 'put-manifest'; readonly repository: string; readonly selector: string }
  /** end-8a, end-8b */
  | { readonly kind: 'list-tags'; readonly repository: string; readonly count?: number; readonly last?: string }
  /** end-9 */
  | { readonly kind: 'delete-manifest'; readonly repository: string; readonly selector: string }
  /** end-10 */
  | { readonly kind: 'delete-blob'; readonly repository: string; readonly digest: Digest }
  /** end-12a, end-12b */
  | { readonly kind: 'list-referrers'; readonly repository: string; readonly digest: Digest; readonly artifactType?: string }
  /** Docker's catalog, not in the spec */
  | { readonly kind: 'list-repositories'; readonly count?: number; readonly last?: string };
