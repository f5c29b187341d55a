// What records are called. The server sends titles along; what was picked or looked up is remembered here.
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { keys } from '../registry/keys';

const known = new Map<string, string>();

export function remember(entity: string, id: number, title: string | null | undefined): void {
  if (title) known.set(`${entity}#${id}`, title);
}

export function useTitle(entity: string | null | undefined, id: number | null, given?: unknown): string {
  const sure = typeof given === 'string' && given ? given : entity && id ? known.get(`${entity}#${id}`) : undefined;
  const query = { filter: { id }, limit: 1 };
  const asked = useQuery({
    queryKey: keys.list(entity ?? '', query),
    queryFn: async ({ signal }) => {
      const page = await api.list(entity!, query, signal);
      remember(entity!, id!, page.rows[0]?._title);
      return page;
    },
    enabled: Boolean(entity && id && !sure),
    staleTime: 60_000,
  });
  if (!id) return '';
  return sure ?? asked.data?.rows[0]?._title ?? `#${id}`;
}

/** The id in a reference, whether it was expanded or not. */
export function idOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (value && typeof value === 'object' && typeof (value as { id?: unknown }).id === 'number') return (value as { id: number }).id;
  return null;
}

export function titleIn(value: unknown, given: unknown): unknown {
  if (value && typeof value === 'object' && '_title' in value) return (value as { _title?: unknown })._title;
  return given;
}
