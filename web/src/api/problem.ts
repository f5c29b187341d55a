import type { FieldError, Problem } from './types';

export interface SortedErrors {
  /** By the field's path: `customer`, `lines.0.quantity`. */
  byField: Record<string, string>;
  /** Those of no field, or of fields that this form does not show. */
  general: string[];
}

/** Divides errors between the fields that a form shows and the form itself; nothing is dropped. */
export function sortErrors(errors: readonly FieldError[] | undefined, shows: (path: string) => boolean): SortedErrors {
  const byField: Record<string, string> = {};
  const general: string[] = [];
  for (const error of errors ?? []) {
    const path = error.field ?? '';
    const before = byField[path];
    if (path && shows(path)) {
      if (!before?.includes(error.message)) byField[path] = before ? `${before} ${error.message}` : error.message;
    } else if (!general.includes(error.message)) general.push(error.message);
  }
  return { byField, general };
}

/** What to say of a problem as a whole: never the same sentence twice. */
export function problemText(problem: Problem): { title: string; detail: string | null } {
  const detail = problem.detail && problem.detail !== problem.title ? problem.detail : null;
  return { title: problem.title, detail };
}

/** Rights, dates and the like of one index in a list of errors: `lines.2.price` → ['lines', 2, 'price']. */
export function splitPath(path: string): [string, number, string] | null {
  const match = /^([^.]+)\.(\d+)(?:\.(.+))?$/.exec(path);
  return match ? [match[1]!, Number(match[2]), match[3] ?? ''] : null;
}
