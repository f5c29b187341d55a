// The pages of a list that may be very long: only those near what is looked at are kept. A page is found by the cursor at
// which it begins, so that coming back to it costs one question, and nothing grows with how far one has scrolled.
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, type ListQuery } from '../../api/client';
import type { Page, Row } from '../../api/types';
import { keys } from '../../registry/keys';

/** Where a page begins, and how many rows it had when it was last seen. */
export interface Start {
  after: string | null;
  rows: number | null;
}

export const FIRST: readonly Start[] = [{ after: null, rows: null }];

/** What an answer says about the pages: how long this one is and where the next one begins. Those behind a moved edge are asked anew. */
export function learn(starts: readonly Start[], at: number, page: Page): readonly Start[] {
  const here = starts[at];
  if (!here) return starts;
  const next = starts[at + 1];
  const same = page.next === null ? next === undefined : next?.after === page.next;
  if (same && here.rows === page.rows.length) return starts;
  const upTo = [...starts.slice(0, at), { ...here, rows: page.rows.length }];
  if (page.next === null) return upTo;
  return same ? [...upTo, ...starts.slice(at + 1)] : [...upTo, { after: page.next, rows: null }];
}

/** Pages that are drawn: those that are looked at, as far as they are known. */
export const near = (starts: readonly Start[], from: number, to: number): [number, number] => [
  Math.max(0, Math.min(from, starts.length - 1)),
  Math.max(0, Math.min(to, starts.length - 1)),
];

export interface Place {
  top: number;
  bottom: number;
}

/** Which pages lie between two heights. */
export function inSight(places: readonly Place[], top: number, bottom: number): [number, number] {
  const from = places.findIndex((place) => place.bottom > top);
  if (from < 0) return [Math.max(0, places.length - 1), Math.max(0, places.length - 1)];
  const beyond = places.findIndex((place) => place.top >= bottom);
  return [from, Math.max(from, (beyond < 0 ? places.length : beyond) - 1)];
}

/** So many pages on each side stay in the memory of the browser. */
const KEPT = 10;

export interface Pages {
  /** A page that is not drawn says how many rows it has. */
  pages: { rows: Row[] | null; length: number }[];
  count: number | undefined;
  /** The count is an estimate. */
  about: boolean;
  /** Not all was looked at: narrower words would find what is missing. */
  incomplete: boolean;
  loading: boolean;
  fetching: boolean;
  error: unknown;
  /** There are records behind those that are known. */
  more: boolean;
  refetch: () => void;
  look: (from: number, to: number) => void;
}

export function usePages(name: string, query: ListQuery, enabled: boolean): Pages {
  const client = useQueryClient();
  const asked = JSON.stringify(query);
  const mark = useMemo(() => ['starts', name, asked] as const, [name, asked]);
  const [state, setState] = useState(() => ({ asked, starts: client.getQueryData<readonly Start[]>(mark) ?? FIRST, from: 0, to: 0 }));
  const current = state.asked === asked ? state : { asked, starts: client.getQueryData<readonly Start[]>(mark) ?? FIRST, from: 0, to: 0 };
  const [first, last] = near(current.starts, current.from, current.to);
  const at = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const ask = (index: number): ListQuery => ({ ...query, after: current.starts[index]!.after, count: index === 0 });
  const found = useQueries({
    queries: at.map((index) => ({
      queryKey: keys.list(name, ask(index)),
      queryFn: ({ signal }: { signal: AbortSignal }) => api.list(name, ask(index), signal),
      enabled,
      gcTime: 60_000,
    })),
  });
  const head = client.getQueryData<Page>(keys.list(name, { ...query, after: null, count: true }));
  const counted = head?.count;

  useEffect(() => {
    let starts = current.starts;
    at.forEach((index, place) => {
      const page = found[place]?.data;
      if (page) starts = learn(starts, index, page);
    });
    if (starts !== current.starts || state.asked !== asked) {
      client.setQueryData(mark, starts);
      setState({ ...current, starts });
    }
  });

  // What lies far away is forgotten: it is asked again when somebody comes back to it.
  const { starts } = current;
  useEffect(() => {
    starts.forEach((start, index) => {
      if (index > 0 && (index < first - KEPT || index > last + KEPT)) client.removeQueries({ queryKey: keys.list(name, { ...query, after: start.after, count: false }), exact: true });
    });
  }, [first, last]); // eslint-disable-line react-hooks/exhaustive-deps

  // Until other records have come, those before stay: a list does not blink.
  const before = useRef<Pages['pages']>([]);
  const ready = found[0]?.data !== undefined || first > 0;
  const pages = ready
    ? current.starts.map((start, index) => {
        const rows = found[at.indexOf(index)]?.data?.rows ?? null;
        return { rows, length: rows?.length ?? start.rows ?? 0 };
      })
    : before.current;
  if (ready) before.current = pages;
  const remembered = useRef(counted);
  if (counted !== undefined) remembered.current = counted;

  return {
    pages,
    count: counted ?? (ready ? undefined : remembered.current),
    about: head?.count_exact === false,
    incomplete: found.some((each) => each.data?.incomplete === true && each.data.next === null),
    loading: enabled && !ready && before.current.length === 0 && !found[0]?.isError,
    fetching: found.some((each) => each.isFetching),
    error: found.find((each) => each.isError)?.error ?? null,
    more: ready && current.starts.at(-1)?.rows === null,
    refetch: () => found.forEach((each) => void each.refetch()),
    look: (from, to) => setState((old) => (old.asked === asked && old.from === from && old.to === to ? old : { ...current, from, to })),
  };
}
