// What of a list's address belongs to a kept view: all but the view's own number and what is only for the moment.
import type { ListSearch } from '../../app/router';

const KEPT = ['cols', 'filter', 'fixed', 'group', 'just', 'measure', 'q', 'shape', 'sort', 'across', 'totals', 'where', 'by'] as const;

export function writeAddress(search: ListSearch): string {
  const entries = KEPT.flatMap((key) => (search[key] ? [[key, search[key]] as [string, string]] : []));
  return new URLSearchParams(entries).toString();
}

export function readAddress(address: string): ListSearch {
  const search = new URLSearchParams(address);
  return Object.fromEntries(KEPT.flatMap((key) => (search.get(key) ? [[key, search.get(key)]] : [])));
}

export const sameAddress = (a: string, b: string): boolean => writeAddress(readAddress(a)) === writeAddress(readAddress(b));
