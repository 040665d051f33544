// `WWW-Authenticate` header → challenges (RFC 9110, section 11.6.1): one header may hold several, several headers arrive
// joined by ", ". Schemes that are not known here are kept and left to the caller to skip.

/** One challenge. Scheme and parameter names are lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterPattern = new RegExp(`^\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))\\s*(?:,|$)`);
const schemePattern = new RegExp(`^[\\s,]*(${token})(?:\\s+|(?=,)|$)`);
const token68Pattern = /^[A-Za-z0-9._~+/-]+=*\s*(?:,|$)/;

/** All challenges of a header's value, in order; what does not parse ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header;
  for (;;) {
    const scheme = schemePattern.exec(rest);
    if (scheme === null) return challenges;
    rest = rest.slice(scheme[0].length).replace(token68Pattern, '');
    const parameters = new Map<string, string>();
    for (let match = parameterPattern.exec(rest); match !== null; match = parameterPattern.exec(rest)) {
      const [whole, name = '', quoted, bare] = match;
      if (!parameters.has(name.toLowerCase()))
        parameters.set(name.toLowerCase(), quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/g, '$1'));
      rest = rest.slice(whole.length);
    }
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters });
  }
}

/** How a registry wants to be asked: Bearer before Basic, undefined where it offers neither. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const bearer = challenges.find((item) => item.scheme === 'bearer' && (item.parameters.get('realm') ?? '') !== '');
  return bearer ?? challenges.find((item) => item.scheme === 'basic');
}
