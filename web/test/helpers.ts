import type { Entity, Field, Kind, Meta } from '../src/api/types';

export const field = (name: string, kind: Kind, more: Partial<Field> = {}): Field => ({ name, label: name, kind, ...more });

export const metaOf = (entities: Record<string, Entity>, operations: Meta['operations'] = {}): Meta => ({
  version: 'test',
  user: { id: 1, login: 'x', name: 'X', language: 'en', roles: [] },
  company: { id: 1, name: 'C', currency: 'CZK', time_zone: 'Europe/Prague', language: 'cs', demo: false },
  languages: [], roles: [], areas: [], entities, operations,
});
