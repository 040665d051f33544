// Platforms: `os/arch[/variant]` ⇄ Platform, normalised as containerd does; which entry of an index serves a platform
// (image spec, image-index.md, "platform").
import { arch, endianness, platform as hostOs } from 'node:os';
import { WherryError } from '../errors.ts';

/** Where an image runs. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

const architectures: Readonly<Record<string, string>> = {
  i386: '386',
  i486: '386',
  i586: '386',
  i686: '386',
  x86: '386',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  x64: 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  mips64el: 'mips64le',
  mipsel: 'mipsle',
  riscv64gc: 'riscv64',
  ppc64el: 'ppc64le',
};
const known = new Set([
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mipsle',
  'mips64',
  'mips64le',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
  'ppc',
  'sparc64',
]);
const systems = new Set([
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'netbsd',
  'openbsd',
  'dragonfly',
  'solaris',
  'illumos',
  'aix',
  'android',
  'plan9',
  'wasip1',
  'js',
  'ios',
  'zos',
  'hurd',
  'nacl',
]);

/** Aliases and default variants folded: arm64/v8 → arm64, arm → arm/v7, amd64/v1 → amd64, x86_64 → amd64. */
export function normalizePlatform(platform: Platform): Platform {
  const named = platform.architecture.toLowerCase();
  let architecture = architectures[named] ?? named;
  let variant = platform.variant?.toLowerCase();
  if (named === 'armel') variant = 'v6';
  if (architecture === 'arm')
    variant = variant === undefined || variant === '' ? 'v7' : /^[5-8]$/.test(variant) ? `v${variant}` : variant;
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8' || variant === '8.0' || variant === 'v8.0'))
    variant = undefined;
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  if (variant === '') variant = undefined;
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  if (named === 'armv7l') [architecture, variant] = ['arm', 'v7'];
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(platform['os.version'] ? { 'os.version': platform['os.version'] } : {}),
    ...(platform['os.features']?.length ? { 'os.features': platform['os.features'] } : {}),
  };
}

/** `os`, `arch`, `os/arch`, `os(version)/arch/variant` or `local` → Platform, normalised. @throws ARGUMENT_INVALID */
export function parsePlatform(text: string): Platform {
  if (text === 'local') return hostPlatform();
  const match = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?(?:\/([A-Za-z0-9_-]+))?(?:\/([A-Za-z0-9_.-]+))?$/.exec(
    text,
  );
  if (!match) throw bad(text, 'want os/architecture[/variant], e.g. "linux/arm64" or "linux/arm/v7"');
  const [, first = '', version, second, third] = match;
  const extra = version ? { 'os.version': version } : {};
  if (second === undefined) {
    if (systems.has(first.toLowerCase())) return normalizePlatform({ ...hostPlatform(), os: first, ...extra });
    if (known.has(architectures[first.toLowerCase()] ?? first.toLowerCase()))
      return normalizePlatform({ os: 'linux', architecture: first });
    throw bad(text, `"${first}": unknown operating system or architecture`);
  }
  return normalizePlatform({
    os: first,
    architecture: second,
    ...(third === undefined ? {} : { variant: third }),
    ...extra,
  });
}

function bad(text: string, why: string): WherryError {
  return new WherryError('ARGUMENT_INVALID', `failed to parse platform ${text}: ${why}`);
}

/** Platform → `os[(version)]/arch[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const version = platform['os.version'] ? `(${platform['os.version']})` : '';
  return [platform.os + version, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== '')
    .join('/');
}

/** This machine as a target: always linux unless it runs Windows (macOS builds Linux images). */
export function hostPlatform(): Platform {
  const cpu = arch();
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    arm64: 'arm64',
    arm: 'arm',
    s390x: 's390x',
    ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
    riscv64: 'riscv64',
    loong64: 'loong64',
  };
  return normalizePlatform({ os: hostOs() === 'win32' ? 'windows' : 'linux', architecture: names[cpu] ?? cpu });
}

/** True when the two are the same after normalisation (os.version counts only where both have one). */
export function isSamePlatform(a: Platform, b: Platform): boolean {
  const [x, y] = [normalizePlatform(a), normalizePlatform(b)];
  const versions =
    x['os.version'] === undefined || y['os.version'] === undefined || x['os.version'] === y['os.version'];
  return x.os === y.os && x.architecture === y.architecture && x.variant === y.variant && versions;
}

/** Variants of `wanted` that it can run, best first, e.g. arm/v7 → v7, v6, v5. */
function runnableVariants(wanted: Platform): readonly (string | undefined)[] {
  if (wanted.architecture === 'arm')
    return ['v8', 'v7', 'v6', 'v5'].slice(['v8', 'v7', 'v6', 'v5'].indexOf(wanted.variant ?? 'v7'));
  if (wanted.architecture === 'amd64' && wanted.variant !== undefined)
    return [wanted.variant, ...['v3', 'v2'].filter((variant) => variant < (wanted.variant ?? '')), undefined];
  if (wanted.architecture === 'arm64' && wanted.variant !== undefined) return [wanted.variant, undefined];
  return [wanted.variant];
}

/** The candidate that serves `wanted` best, or undefined. Attestations (`unknown/unknown`) never match. */
export function selectPlatform<T>(
  candidates: readonly T[],
  platformOf: (item: T) => Platform | undefined,
  wanted: Platform,
): T | undefined {
  const target = normalizePlatform(wanted);
  for (const variant of runnableVariants(target)) {
    const { variant: _, ...rest } = target;
    const exact: Platform = variant === undefined ? rest : { ...rest, variant };
    const found = candidates.find((item) => {
      const platform = platformOf(item);
      return platform !== undefined && isSamePlatform(platform, exact);
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Parsed JSON → Platform as it stands (not normalised). @throws MANIFEST_INVALID */
export function platformFrom(value: unknown, what: string): Platform {
  const fields = value as Record<string, unknown> | null;
  if (
    typeof fields !== 'object' ||
    fields === null ||
    typeof fields['os'] !== 'string' ||
    typeof fields['architecture'] !== 'string'
  )
    throw new WherryError('MANIFEST_INVALID', `Cannot read ${what}: its platform has no os or architecture`);
  const features = fields['os.features'];
  return {
    architecture: fields['architecture'],
    os: fields['os'],
    ...(typeof fields['variant'] === 'string' && fields['variant'] !== '' ? { variant: fields['variant'] } : {}),
    ...(typeof fields['os.version'] === 'string' && fields['os.version'] !== ''
      ? { 'os.version': fields['os.version'] }
      : {}),
    ...(Array.isArray(features) && features.length > 0 ? { 'os.features': features.map(String) } : {}),
  };
}
