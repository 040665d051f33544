// `Warning` headers of a registry → warnings of the task, each text once (distribution spec, "Warnings"). Only the form
// `299 - "text"` counts; the text is made printable and never acted on.
import type { Task } from '../../../src/task.ts';
import { printable } from './message.ts';

const maxLength = 4096;

/** Header value → texts. */
function parseWarnings(header: string): readonly string[] {
  const texts: string[] = [];
  for (const match of header.slice(0, maxLength).matchAll(/(?:^|,)\s*299 - "((?:[^"\\]|\\.)*)"/g)) {
    const text = printable((match[1] ?? '').replace(/\\(.)/g, '$1'), maxLength);
    if (text !== '') texts.push(text);
  }
  return texts;
}

/** A sink for the warnings of one registry. */
export function createWarnings(host: string, task: Task): (header: string | undefined) => void {
  const told = new Set<string>();
  return (header) => {
    for (const text of header === undefined ? [] : parseWarnings(header)) {
      if (told.has(text)) continue;
      told.add(text);
      task.emit({ kind: 'warning', message: `"${host}" says: ${text}` });
    }
  };
}
