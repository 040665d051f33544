// Annotation keys that are read or written here (image spec, annotations.md; containerd's and BuildKit's own).

export const annotations = {
  /** A layout's index.json: the name of an entry. */
  refName: 'org.opencontainers.image.ref.name',
  created: 'org.opencontainers.image.created',
  /** Full name of the image in archives that containerd and Docker import. */
  imageName: 'io.containerd.image.name',
  /** An untagged manifest's repository, in the embedded registry's layout. */
  repository: 'dev.wherry.repository',
} as const;
