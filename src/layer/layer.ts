// The noun that room 5 makes: a layer, which is a blob (its descriptor) of a tar (its diffId).
import type { Descriptor } from '../oci/descriptor.ts';
import type { DiffId } from '../oci/digest.ts';

/** A layer whose blob lies in the store. */
export interface Layer {
  readonly diffId: DiffId;
  /** Of the blob as it is stored: compressed as its media type says. */
  readonly descriptor: Descriptor;
}
