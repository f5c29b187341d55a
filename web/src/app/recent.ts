// What a person looked at last, in this browser, each user's own.
import { readStored, store } from './storage';

export interface Visited {
  entity: string;
  id: number;
  title: string;
}

const MOST = 12;
const keyOf = (user: number): string => `celek.recent.${user}`;

export function recent(user: number): Visited[] {
  try {
    const found = JSON.parse(readStored(keyOf(user)) ?? '[]') as unknown;
    if (!Array.isArray(found)) return [];
    return found.filter((each): each is Visited =>
      typeof each === 'object' && each !== null && typeof (each as Visited).entity === 'string' && Number.isSafeInteger((each as Visited).id) && typeof (each as Visited).title === 'string');
  } catch {
    return [];
  }
}

export const withVisit = (visits: readonly Visited[], visit: Visited): Visited[] =>
  [visit, ...visits.filter((each) => each.entity !== visit.entity || each.id !== visit.id)].slice(0, MOST);

export function visited(user: number, visit: Visited): void {
  store(keyOf(user), JSON.stringify(withVisit(recent(user), visit)));
}
