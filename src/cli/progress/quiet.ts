// The quiet view: nothing, unless a step fails that had something to say.
import { formatFailures, Steps } from './steps.ts';
import type { Screen, View } from './view.ts';

/** Keeps the last lines of each log, and shows those of failed steps at the end. */
export function createQuietView(screen: Screen): View {
  const steps = new Steps();
  let closed = false;
  return {
    onEvent: (event) => {
      const change = steps.apply(event);
      if (change?.kind === 'end') steps.takePartial(change.step);
    },
    close: (outcome) => {
      if (!closed && outcome === 'failed') screen.write(formatFailures(steps));
      closed = true;
    },
  };
}
