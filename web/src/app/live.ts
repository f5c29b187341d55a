// Live changes. One event stream per browser: the tab that holds the lock listens and tells the others, because a
// browser opens only six connections to a server of HTTP/1.1.
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { api } from '../api/client';
import { touches, type Change } from '../registry/keys';

type News = { kind: 'change'; change: Change } | { kind: 'state'; connected: boolean; fresh?: boolean };

const JUST_NOW = 15_000;

let connected = true;
const watchers = new Set<() => void>();

function setConnected(value: boolean): boolean {
  const cameBack = value && !connected;
  if (value !== connected) {
    connected = value;
    watchers.forEach((watcher) => watcher());
  }
  return cameBack;
}

export function useConnected(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => connected,
  );
}

/** Collects changes for a moment, so that a hundred of them are one refetch. */
export function collector(flush: (changes: Change[]) => void, wait = 150): (change: Change) => void {
  let waiting: Change[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  return (change) => {
    waiting.push(change);
    timer ??= setTimeout(() => {
      const changes = waiting;
      waiting = [];
      timer = null;
      flush(changes);
    }, wait);
  };
}

function listen(client: QueryClient, signal: AbortSignal): void {
  const collect = collector((changes) => {
    void client.invalidateQueries({ predicate: (query) => changes.some((change) => touches(query.queryKey, change)) });
  });
  const hear = (news: News) => {
    if (news.kind === 'change') collect(news.change);
    // What changed between the first answers and the begin of a stream was told to nobody: everything is asked once more.
    // The metadata is large and came a moment ago: it is not.
    else if (setConnected(news.connected)) void client.invalidateQueries();
    else if (news.fresh) void client.invalidateQueries({ predicate: ({ queryKey, state }) => queryKey[0] !== 'meta' || Date.now() - state.dataUpdatedAt > JUST_NOW });
  };
  const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('celek.live') : null;
  channel?.addEventListener('message', (event: MessageEvent<News>) => hear(event.data));
  const tell = (news: News) => {
    // What comes after the end has nobody to tell.
    if (signal.aborted) return;
    hear(news);
    channel?.postMessage(news);
  };
  signal.addEventListener('abort', () => channel?.close());

  const open = () =>
    new Promise<void>((closed) => {
      let source: EventSource;
      let again: ReturnType<typeof setTimeout> | undefined;
      const connect = () => {
        source = new EventSource(api.eventsAddress());
        source.addEventListener('open', () => tell({ kind: 'state', connected: true }));
        source.addEventListener('hello', () => tell({ kind: 'state', connected: true, fresh: true }));
        source.addEventListener('change', (event) => {
          try {
            tell({ kind: 'change', change: JSON.parse((event as MessageEvent<string>).data) as Change });
          } catch {
            // A line that is not ours.
          }
        });
        source.addEventListener('error', () => {
          tell({ kind: 'state', connected: false });
          // The browser tries again by itself, unless it was refused.
          if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 3000);
        });
      };
      connect();
      signal.addEventListener('abort', () => {
        clearTimeout(again);
        source.close();
        closed();
      });
    });

  // Locks exist only on secure pages; without them each tab listens for itself.
  if (channel && navigator.locks) {
    navigator.locks.request('celek.live', { signal }, open).catch(() => {});
  } else {
    void open();
  }
}

export function useLive(): void {
  const client = useQueryClient();
  useEffect(() => {
    const controller = new AbortController();
    listen(client, controller.signal);
    const online = () => void client.invalidateQueries();
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('online', online);
      controller.abort();
      setConnected(true);
    };
  }, [client]);
}
