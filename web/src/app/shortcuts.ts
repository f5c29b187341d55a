import { useEffect, useRef } from 'react';
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
  { keys: ['Space'], does: 'keys.peek' },
  { keys: ['X'], does: 'keys.select' },
  { keys: ['F2'], does: 'keys.inline' },
  { keys: ['N'], does: 'keys.next' },
  { keys: ['G', 'I'], does: 'keys.inbox' },
  { keys: ['G', '1–9'], does: 'keys.area' },
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

/** Keys that were pressed before the field was there for which they are meant; null when nobody waits for one. */
let ahead: { keys: { key: string; ctrl: boolean }[]; until: number; handing: boolean } | null = null;

/** A form is coming: what is typed meanwhile goes to its first field. */
export function typeAhead(): void {
  ahead = { keys: [], until: Date.now() + 3000, handing: false };
}

function keepAhead(event: KeyboardEvent): boolean {
  if (!ahead || !event.isTrusted) return false;
  if (!ahead.handing && (typing(event.target) ? ahead.keys.length === 0 : Date.now() > ahead.until)) {
    ahead = null;
    return false;
  }
  const ctrl = event.ctrlKey || event.metaKey;
  if (event.altKey || (event.key !== 'Enter' && (ctrl || event.key.length > 1))) return false;
  ahead.keys.push({ key: event.key, ctrl });
  return true;
}

/** Gives the field what was typed, key by key: each is heard of before the next one comes, as with a person. */
async function handOver(): Promise<void> {
  const mine = ahead;
  if (!mine || mine.handing || !typing(document.activeElement)) return;
  mine.handing = true;
  for (let next = mine.keys.shift(); next; next = mine.keys.shift()) {
    // The one way to type into a field that its own code hears of.
    if (next.key.length === 1) document.execCommand('insertText', false, next.key);
    else (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key: next.key, ctrlKey: next.ctrl, bubbles: true, cancelable: true }));
    await new Promise((heard) => setTimeout(heard));
  }
  if (ahead === mine) ahead = null;
}

/** What Ctrl+Enter pressed last; it takes a moment until a button shows that it works. */
let pressed: { button: HTMLButtonElement; at: number } | null = null;
const GRACE = 400;

/** Presses the primary operation of what is being saved, once it is there; where nothing comes of it, nothing is pressed. */
function afterwards(): void {
  const start = Date.now();
  const look = setInterval(() => {
    const button = [...document.querySelectorAll<HTMLButtonElement>('button[data-primary]')].find(visible);
    const saved = button === undefined || button.dataset.saves === undefined;
    if (Date.now() > start + 5000 || (!saved && !button.disabled && Date.now() > start + GRACE)) clearInterval(look);
    else if (button && saved && !button.disabled) {
      clearInterval(look);
      button.click();
    }
  }, 20);
}

/** A single key, pressed while nobody types. Answers whether it meant something here. */
function single(key: string, before: string): boolean {
  switch (key) {
    case 'c': {
      const clicked = clickFirst('[data-create]');
      if (clicked) typeAhead();
      return clicked;
    }
    case 'e': return focusFirst('.form-body .input:not(:disabled)');
    case 'j': return walk(1);
    case 'k': return walk(-1);
    case 'i': return before === 'g' && clickFirst('a.nav-link[href^="/inbox"]');
    // The first screen of an area, counted from the top of the navigation.
    default: return before === 'g' && /^[1-9]$/.test(key) && clickFirst(`.shell-nav [role="group"]:nth-of-type(${key}) a.nav-link`);
  }
}

/** The keyboard of the whole program; a dialog has the keys for itself. */
interface Doors {
  onMap: () => void;
  onPalette: () => void;
  onNext: () => void;
}

export function useShortcuts(doors: Doors): void {
  const latest = useRef(doors);
  latest.current = doors;
  useEffect(() => {
    let before = '';
    const openPalette = () => {
      typeAhead();
      latest.current.onPalette();
    };
    const press = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      const free = !control && !event.altKey && !typing(event.target) && !document.querySelector('[role="dialog"]');
      const earlier = before;
      before = free ? event.key.toLowerCase() : '';
      if (free && event.key === '?') {
        event.preventDefault();
        latest.current.onMap();
        return;
      }
      if (free && event.key.toLowerCase() === 'n' && earlier !== 'g') {
        event.preventDefault();
        latest.current.onNext();
        return;
      }
      if (free && single(event.key.toLowerCase(), earlier)) {
        event.preventDefault();
        return;
      }
      if (event.key === '/' && !control && !event.altKey && !typing(event.target)) {
        event.preventDefault();
        if (!focusFirst('[data-search="list"]')) openPalette();
      } else if (control && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        if (!document.querySelector('[role="dialog"]')) openPalette();
      } else if (control && event.key === 'Enter') {
        const scope = document.querySelector('[role="dialog"]') ?? document;
        const button = [...scope.querySelectorAll<HTMLButtonElement>('button[data-primary]')].find(visible);
        const again = button !== undefined && pressed?.button === button && Date.now() - pressed.at < GRACE;
        if (button?.dataset.saves !== undefined && (button.disabled || again)) {
          // Pressed again while it is being saved: what comes after that is pressed as soon as it is there.
          event.preventDefault();
          afterwards();
        } else if (button && !button.disabled) {
          event.preventDefault();
          pressed = { button, at: Date.now() };
          // What is being typed is taken over when its field loses the focus.
          if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
          setTimeout(() => button.click());
        }
      }
    };
    const catchAhead = (event: KeyboardEvent) => {
      if (keepAhead(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    // Not while the form is being drawn: only then does it hear of what is typed.
    const soon = () => void setTimeout(() => void handOver());
    window.addEventListener('keydown', catchAhead, { capture: true });
    window.addEventListener('keydown', press);
    window.addEventListener('focusin', soon);
    return () => {
      window.removeEventListener('keydown', catchAhead, { capture: true });
      window.removeEventListener('keydown', press);
      window.removeEventListener('focusin', soon);
    };
  }, []);
}
