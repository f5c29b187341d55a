import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, type ListQuery } from '../../api/client';
import type { Entity, Row } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import type { ListSearch } from '../../app/router';
import { Icon } from '../../design/icons';
import { Failed, LinkButton, Quiet, Skeleton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { columnsOf, fieldOf, isNumeric, listOperations, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { Outcome } from '../operation/Outcome';
import { useOperation } from '../operation/useOperation';
import './list.css';

const PAGE = 50;

export function ListPage() {
  const { entity } = useParams({ from: '/workspace/e/$entity' });
  const meta = useMeta();
  const shown = meta.entities[entity];
  if (!shown || !shown.rights.read) return <NotFound />;
  return <List key={entity} name={entity} entity={shown} />;
}

function List({ name, entity }: { name: string; entity: Entity }) {
  const t = useT();
  const meta = useMeta();
  const navigate = useNavigate();
  const search = useSearch({ from: '/workspace/e/$entity' });
  const phone = useMediaQuery('(max-width: 48em)') ?? false;
  const running = useOperation();
  const filters = entity.view?.filters ?? [];
  const chosen = filters.find((filter) => filter.key === search.filter);
  const sort = search.sort ?? entity.view?.sort ?? undefined;
  const query: ListQuery = useMemo(
    () => ({ filter: chosen?.filter, sort, q: search.q, limit: PAGE }),
    [chosen, sort, search.q],
  );

  const go = (change: Partial<ListSearch>, replace = false) =>
    void navigate({ to: '/e/$entity', params: { entity: name }, search: { ...search, ...change }, replace });

  const pages = useInfiniteQuery({
    queryKey: keys.list(name, query),
    queryFn: ({ pageParam, signal }) => api.list(name, { ...query, after: pageParam, count: pageParam === null }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? [];
  const count = pages.data?.pages[0]?.count;
  const narrowed = Boolean(search.q || chosen);

  const sentinel = useRef<HTMLDivElement>(null);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  useEffect(() => {
    const element = sentinel.current;
    if (!element || !hasNextPage || isFetchingNextPage) return;
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(), {
      rootMargin: '600px',
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, rows.length]);

  return (
    <div className="page">
      <header className="page-head list-head">
        <h1>
          {entity.plural}
          {count !== undefined ? <span className="dim list-count num" title={t('list.count', { count })}>{count}</span> : null}
        </h1>
        <span className="grow" />
        <QuickSearch value={search.q ?? ''} onChange={(q) => go({ q: q || undefined }, true)} />
        {listOperations(meta, name).map((operation) => (
          <Button key={operation.name} variant="default" title={operation.help ?? undefined} onClick={() => running.start(operation.name, {})}>
            {operation.label}
          </Button>
        ))}
        {entity.rights.create && !entity.append_only ? (
          <LinkButton to="/e/$entity/new" params={{ entity: name }} data-primary leftSection={<Icon name="plus" size={15} />}
            aria-label={t('list.newOf', { entity: entity.label })}>
            {t('list.new')}
          </LinkButton>
        ) : null}
        <div className="list-bar">
          {filters.length ? (
            <div className="chips" role="group" aria-label={t('list.filters')}>
              <button type="button" className="chip" aria-pressed={!chosen} onClick={() => go({ filter: undefined })}>{t('list.all')}</button>
              {filters.map((filter) => (
                <button type="button" className="chip" key={filter.key} aria-pressed={chosen?.key === filter.key}
                  onClick={() => go({ filter: chosen?.key === filter.key ? undefined : filter.key })}>
                  {filter.label}
                </button>
              ))}
            </div>
          ) : null}
          <span className="grow" />
          <a className="dim small export" href={api.csv(name, query)} download={`${name}.csv`}>
            <Icon name="download" size={14} /> {t('list.export')}
          </a>
        </div>
      </header>
      <div className="page-body list-body">
        <Outcome running={running} />
        {pages.isError && rows.length === 0 ? <Failed error={pages.error} retry={() => void pages.refetch()} /> : null}
        {pages.isLoading ? <Skeleton rows={10} /> : null}
        {rows.length ? (
          phone ? <Cards name={name} entity={entity} rows={rows} /> : <Grid name={name} entity={entity} rows={rows} sort={sort} count={count} onSort={(next) => go({ sort: next })} />
        ) : null}
        {pages.data && rows.length === 0 ? (
          narrowed ? (
            <Quiet title={t('list.nothing')} action={<Button variant="default" onClick={() => go({ q: undefined, filter: undefined })}>{t('list.clear')}</Button>} />
          ) : (
            <Quiet action={entity.rights.create && !entity.append_only ? (
              <LinkButton to="/e/$entity/new" params={{ entity: name }} variant="default">{t('list.newOf', { entity: entity.label })}</LinkButton>
            ) : null}>
              {entity.view?.empty ?? t('list.empty')}
            </Quiet>
          )
        ) : null}
        <div ref={sentinel} />
        {hasNextPage ? (
          <div className="list-more">
            <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>{t('list.loadMore')}</Button>
          </div>
        ) : null}
      </div>
    </div>
  );
}

function QuickSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  const [text, setText] = useState(value);
  const [settled] = useDebouncedValue(text, 200);
  const sent = useRef(value);
  useEffect(() => {
    if (settled.trim() !== sent.current) {
      sent.current = settled.trim();
      onChange(sent.current);
    }
  }, [settled]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  return (
    <TextInput className="list-search" data-search="list" type="search" aria-label={t('list.search')} placeholder={t('list.search')}
      leftSection={<Icon name="search" size={15} />} value={text} onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => { if (event.key === 'Escape') setText(''); }} />
  );
}

interface RowsProps {
  name: string;
  entity: Entity;
  rows: Row[];
}

function useOpen(name: string) {
  const navigate = useNavigate();
  const client = useQueryClient();
  return {
    open: (row: Row) => void navigate({ to: '/e/$entity/$id', params: { entity: name, id: String(row.id) } }),
    // What the pointer rests on is fetched before it is pressed.
    hover: (row: Row) => {
      const id = row.id!;
      void client.prefetchQuery({ queryKey: keys.record(name, id), queryFn: ({ signal }) => api.record(name, id, signal), staleTime: 10_000 });
    },
  };
}

function Grid({ name, entity, rows, sort, count, onSort }: RowsProps & { sort?: string; count?: number; onSort: (sort: string) => void }) {
  const t = useT();
  const columns = columnsOf(entity);
  const { open, hover } = useOpen(name);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sorts = (sort ?? '').split(',')[0] ?? '';
  const sortField = sorts.replace(/^-/, '');
  const down = sorts.startsWith('-');

  return (
    <table className="list" role="grid" aria-label={entity.plural} aria-rowcount={count ?? -1} aria-readonly="true">
      <colgroup>{columns.map(({ field, width }) => <col key={field.name} style={width ? { width } : undefined} />)}</colgroup>
      <thead>
        <tr role="row">
          {columns.map(({ field, priority }) => {
            const sorted = sortField === field.name;
            return (
              <th key={field.name} scope="col" data-number={isNumeric(field) || undefined} data-priority={priority} title={field.help ?? undefined}
                aria-sort={sorted ? (down ? 'descending' : 'ascending') : undefined}>
                {field.sorted ? (
                  <button type="button" className="sort" aria-label={t('list.sortBy', { field: field.label })}
                    onClick={() => onSort(sorted && !down ? `-${field.name}` : field.name)}>
                    {field.label}
                    {sorted ? <Icon name={down ? 'arrowDown' : 'arrowUp'} size={12} /> : null}
                  </button>
                ) : field.label}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} role="row" data-archived={row.archived || undefined}
            onClick={(event) => {
              // A click that ends a selection of text is none; neither is one on a link.
              if ((event.target as HTMLElement).closest('a') || window.getSelection()?.toString()) return;
              open(row);
            }}
            onPointerEnter={() => { timer.current = setTimeout(() => hover(row), 80); }}
            onPointerLeave={() => clearTimeout(timer.current)}>
            {columns.map(({ field, priority }, index) => {
              const { Read } = widgetOf(field);
              const cell = <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
              return (
                <td key={field.name} role="gridcell" data-number={isNumeric(field) || undefined} data-priority={priority}>
                  {index === 0 ? (
                    <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="row-link">
                      {row[field.name] === null || row[field.name] === undefined || row[field.name] === '' ? row._title ?? `#${row.id}` : cell}
                    </Link>
                  ) : cell}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cards({ name, entity, rows }: RowsProps) {
  const card = entity.view?.card ?? {};
  const columns = columnsOf(entity).map((column) => column.field.name);
  const subtitle = fieldOf(entity, card.subtitle ?? columns[1]);
  const badge = fieldOf(entity, card.badge ?? entity.status);
  const amount = fieldOf(entity, card.amount);
  const date = fieldOf(entity, card.date);
  const part = (row: Row, field = subtitle) => {
    if (!field) return null;
    const { Read } = widgetOf(field);
    return <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
  };
  return (
    <ul className="cards" aria-label={entity.plural}>
      {rows.map((row) => (
        <li key={row.id}>
          <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="card">
            <span className="card-line">
              <b className="ellipsis grow">{row._title ?? `#${row.id}`}</b>
              {amount ? part(row, amount) : null}
            </span>
            <span className="card-line dim small">
              <span className="ellipsis grow">{part(row)}</span>
              {date ? part(row, date) : null}
              {badge && badge !== subtitle ? part(row, badge) : null}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
