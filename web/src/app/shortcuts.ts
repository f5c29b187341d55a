import { useEffect } from 'react';
import type { Key } from '../i18n';

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const visible = (element: HTMLElement): boolean => element.offsetParent !== null;

function focusFirst(selector: string): boolean {
  const element = [...document.querySelectorAll<HTMLElement>(selector)].find(visible);
  element?.focus();
  return Boolean(element);
}

/** The keys and what they do, for the map that `?` shows. */
export const SHORTCUTS: readonly { keys: string[]; does: Key }[] = [
  { keys: ['Ctrl', 'K'], does: 'keys.searchAll' },
  { keys: ['/'], does: 'keys.searchHere' },
  { keys: ['C'], does: 'keys.create' },
  { keys: ['E'], does: 'keys.edit' },
  { keys: ['J'], does: 'keys.down' },
  { keys: ['K'], does: 'keys.up' },
  { keys: ['Enter'], does: 'keys.open' },
  { keys: ['G', 'I'], does: 'keys.inbox' },
  { keys: ['Ctrl', 'Enter'], does: 'keys.primary' },
  { keys: ['Esc'], does: 'keys.close' },
  { keys: ['?'], does: 'keys.map' },
];

/** What moves with J and K: rows of a list, tasks of the inbox. */
const ROWS = '.row-link, .inbox-list .task';

function clickFirst(selector: string): boolean {
  const element = [...document.querySelectorAll<HTMLElement>(selector)].find(visible);
  element?.click();
  return Boolean(element);
}

function walk(step: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>(ROWS)].filter(visible);
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? rows[0] : rows[at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return Boolean(next);
}

/** A single key, pressed while nobody types. Answers whether it meant something here. */
function single(key: string, before: string): boolean {
  switch (key) {
    case 'c': return clickFirst('[data-create]');
    case 'e': return focusFirst('.form-body .input:not(:disabled)');
    case 'j': return walk(1);
    case 'k': return walk(-1);
    case 'i': return before === 'g' && clickFirst('a.nav-link[href^="/inbox"]');
    default: return false;
  }
}

/** The keyboard of the whole program; a dialog has the keys for itself. */
export function useShortcuts(onMap: () => void): void {
  useEffect(() => {
    let before = '';
    const press = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      const free = !control && !event.altKey && !typing(event.target) && !document.querySelector('[role="dialog"]');
      const earlier = before;
      before = free ? event.key.toLowerCase() : '';
      if (free && event.key === '?') {
        event.preventDefault();
        onMap();
        return;
      }
      if (free && single(event.key.toLowerCase(), earlier)) {
        event.preventDefault();
        return;
      }
      if (event.key === '/' && !control && !event.altKey && !typing(event.target)) {
        if (focusFirst('[data-search="list"]') || focusFirst('[data-search="global"]')) event.preventDefault();
      } else if (control && event.key.toLowerCase() === 'k') {
        if (focusFirst('[data-search="global"]')) event.preventDefault();
      } else if (control && event.key === 'Enter') {
        const scope = document.querySelector('[role="dialog"]') ?? document;
        const button = [...scope.querySelectorAll<HTMLButtonElement>('button[data-primary]')].find(visible);
        if (button && !button.disabled) {
          event.preventDefault();
          // What is being typed is taken over when its field loses the focus.
          if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
          setTimeout(() => button.click());
        }
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [onMap]);
}
