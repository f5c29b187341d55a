import { useEffect } from 'react';

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const visible = (element: HTMLElement): boolean => element.offsetParent !== null;

function focusFirst(selector: string): boolean {
  const element = [...document.querySelectorAll<HTMLElement>(selector)].find(visible);
  element?.focus();
  return Boolean(element);
}

/** `/` to search here, Ctrl+K to search everything, Ctrl+Enter for the one filled button of the screen. */
export function useShortcuts(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
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
  }, []);
}
