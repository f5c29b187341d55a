// Keys of the query cache, and which of them a change of a record touches.
import type { ListQuery } from '../api/client';

export const keys = {
  session: ['session'] as const,
  meta: ['meta'] as const,
  list: (entity: string, query: ListQuery) => ['entity', entity, 'list', query] as const,
  record: (entity: string, id: number) => ['entity', entity, 'record', id] as const,
  history: (entity: string, id: number) => ['entity', entity, 'history', id] as const,
  links: (entity: string, id: number) => ['entity', entity, 'links', id] as const,
  files: (entity: string, id: number) => ['entity', entity, 'files', id] as const,
  panel: (entity: string, id: number, key: string, shows: string) => ['entity', entity, 'panel', id, key, shows] as const,
  figures: (operation: string, input: object) => ['figures', operation, input] as const,
  views: (entity: string) => ['views', entity] as const,
  notes: (entity: string, id: number) => ['entity', entity, 'notes', id] as const,
  notices: ['inbox', 'notices'] as const,
  inbox: ['inbox'] as const,
  task: (id: number) => ['task', id] as const,
};

export interface Change {
  entity: string;
  id: number;
  rev?: number;
  kind?: string;
}

/** Does what is cached under `key` show the record that changed? */
export function touches(key: readonly unknown[], change: Change): boolean {
  // What the answer of an operation rests on is not known: any change may be in it.
  if (key[0] === 'figures') return true;
  // Another program wrote: what is shown is asked again.
  if (change.entity === '') return ['entity', 'inbox', 'task'].includes(String(key[0]));
  if (key[0] === 'entity') {
    if (key[2] === 'links') return true;
    if (key[2] === 'panel') return key[5] === change.entity || (key[1] === change.entity && key[3] === change.id);
    if (key[1] !== change.entity) return false;
    return key[2] === 'list' || key[3] === change.id;
  }
  if (key[0] === 'inbox' || key[0] === 'task') return change.entity.startsWith('process.');
  return false;
}
