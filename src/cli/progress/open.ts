// Opens the view that was chosen; the files of the others are not loaded.
import type { Screen, View, ViewKind, ViewOptions } from './view.ts';

/** Opens a view; only its own file is loaded. */
export async function openView(kind: ViewKind, screen: Screen, options: ViewOptions): Promise<View> {
  switch (kind) {
    case 'plain':
      return (await import('./plain.ts')).createPlainView(screen, options);
    case 'tty':
      return (await import('./tty.ts')).createTtyView(screen, options);
    case 'json':
      return (await import('./json.ts')).createJsonView(screen);
    case 'quiet':
      return (await import('./quiet.ts')).createQuietView(screen);
  }
}
