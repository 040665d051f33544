// Names of build stages: `FROM … AS name`. Dockerfile reference, "FROM".
import { WherryError } from '../errors.ts';
import { goQuote } from './quote.ts';

/** The name as stages are looked up by: lower-cased. DOCKERFILE_INVALID for a name that begins with a digit or has symbols. */
export function parseStageName(name: string): string {
  const lower = name.toLowerCase();
  if (/^[a-z][a-z0-9\-_.]*$/.test(lower)) return lower;
  throw new WherryError(
    'DOCKERFILE_INVALID',
    `invalid name for build stage: ${goQuote(name)}, name can't start with a number or contain symbols`,
  );
}
