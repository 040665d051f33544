// The json view: each event as one JSON object on a line. Ranges go without the text of their file.
import { rangeToJson } from '../error-view.ts';
import type { Screen, View } from './view.ts';

/** One line an event, nothing else. */
export function createJsonView(screen: Screen): View {
  return {
    onEvent: (event) => {
      const range = 'range' in event && event.range !== undefined ? { range: rangeToJson(event.range) } : {};
      screen.write(`${JSON.stringify({ ...event, ...range })}\n`);
    },
    close: () => {},
  };
}
