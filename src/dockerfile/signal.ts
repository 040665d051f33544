// Names and numbers of signals, for STOPSIGNAL: Linux signals, with or without `SIG`, in any case. Dockerfile reference,
// "STOPSIGNAL".
import { WherryError } from '../errors.ts';
import { parseSigned } from './number.ts';

const names = new Set(
  `ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN
  TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX`.split(/\s+/),
);

/** Checks an expanded STOPSIGNAL. DOCKERFILE_INVALID for the number 0 and for unknown names. */
export function checkSignal(text: string): void {
  const number = parseSigned(text, 53);
  if (typeof number === 'number' && number !== 0) return;
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (names.has(name) || isRealTime(name)) return;
  throw new WherryError('DOCKERFILE_INVALID', `invalid signal: ${text}`, {
    hint: 'Use a name such as SIGTERM or a number.',
  });
}

function isRealTime(name: string): boolean {
  const match = /^RT(MIN\+|MAX-)([1-9]|1[0-5])$/.exec(name);
  return match !== null && (match[1] === 'MIN+' || match[2] !== '15');
}
