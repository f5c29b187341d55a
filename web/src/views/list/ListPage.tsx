import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, type ListQuery } from '../../api/client';
import type { Entity } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import type { ListSearch } from '../../app/router';
import { Icon } from '../../design/icons';
import { Failed, LinkButton, Quiet, Skeleton } from '../../design/parts';
import { useT } from '../../i18n';
import { columnsOf, listOperations, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { Outcome } from '../operation/Outcome';
import { useOperation } from '../operation/useOperation';
import { Conditions } from './Conditions';
import { Cards, Grid } from './Grid';
import { Groups } from './Groups';
import { groupable, groupField, summable, sumIn } from './groups';
import './list.css';
import { filterOf, readWhere, writeWhere, type Condition } from './where';

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
  const conditions = useMemo(() => readWhere(search.where, entity), [search.where, entity]);
  const group = groupField(entity, search.group ?? entity.view?.group ?? undefined);
  const query: ListQuery = useMemo(
    () => ({ filter: filterOf(entity, chosen?.filter, conditions), sort, q: search.q, limit: PAGE }),
    [entity, chosen, conditions, sort, search.q],
  );

  const go = (change: Partial<ListSearch>, replace = false) =>
    void navigate({ to: '/e/$entity', params: { entity: name }, search: { ...search, ...change }, replace });

  const pages = useInfiniteQuery({
    queryKey: keys.list(name, query),
    queryFn: ({ pageParam, signal }) => api.list(name, { ...query, after: pageParam, count: pageParam === null }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    enabled: !group,
  });
  const sums = summable(columnsOf(entity).map((column) => column.field));
  const added = { filter: query.filter, q: query.q, sum: sums.map((field) => field.name).join(',') };
  // Only when asked for: adding up a long list takes its time.
  const totals = useQuery({
    queryKey: keys.list(name, added),
    queryFn: ({ signal }) => api.list(name, added, signal),
    enabled: Boolean(search.totals) && sums.length > 0 && !group,
    placeholderData: keepPreviousData,
  });
  const totalRows = search.totals ? totals.data?.rows.map((row) => Object.fromEntries(sums.map((field) => [field.name, sumIn(row, field)]))) : undefined;
  const rows = pages.data?.pages.flatMap((page) => page.rows) ?? [];
  const count = pages.data?.pages[0]?.count;
  const narrowed = Boolean(search.q || chosen || conditions.length);
  const operations = listOperations(meta, name);
  const mayCreate = entity.rights.create && !entity.append_only;
  const put = (next: Condition[], more: Partial<ListSearch> = {}) => go({ where: writeWhere(next), ...more });
  const groups = groupable(entity);

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
          {entity.plural}{' '}
          {count !== undefined ? <span className="dim list-count num" title={t('list.count', { count })}>{count}</span> : null}
        </h1>
        <span className="grow" />
        <QuickSearch value={search.q ?? ''} onChange={(q) => go({ q: q || undefined }, true)} />
        {operations.map((operation, index) => (
          <Button key={operation.name} variant={!mayCreate && index === 0 && operation.button === 1 ? 'filled' : 'default'} title={operation.help ?? undefined}
            data-primary={(!mayCreate && index === 0 && operation.button === 1) || undefined} onClick={() => running.start(operation.name, {})}>
            {operation.label}
          </Button>
        ))}
        {mayCreate ? (
          <LinkButton to="/e/$entity/new" params={{ entity: name }} data-primary data-create leftSection={<Icon name="plus" size={15} />}
            aria-label={t('list.newOf', { entity: entity.label })}>
            {t('list.new')}
          </LinkButton>
        ) : null}
        <div className="list-bar">
          <div className="chips" role="group" aria-label={t('list.filters')}>
            {filters.length ? (
              <button type="button" className="chip" aria-pressed={!chosen} onClick={() => go({ filter: undefined })}>{t('list.all')}</button>
            ) : null}
            {filters.map((filter) => (
              <button type="button" className="chip" key={filter.key} aria-pressed={chosen?.key === filter.key}
                onClick={() => go({ filter: chosen?.key === filter.key ? undefined : filter.key })}>
                {filter.label}
              </button>
            ))}
            <Conditions entity={entity} conditions={conditions} onChange={(next) => put(next)} />
          </div>
          <span className="grow" />
          {groups.length ? (
            <label className="group-by">
              <span className="dim small">{t('group.label')}</span>
              <select className="input" value={group?.name ?? ''} onChange={(event) => go({ group: event.currentTarget.value || (entity.view?.group ? '-' : undefined) })}>
                <option value="">{t('group.nothing')}</option>
                {groups.map((field) => <option key={field.name} value={field.name}>{field.label}</option>)}
              </select>
            </label>
          ) : null}
          {sums.length && !group && !phone ? (
            <button type="button" className="chip" aria-pressed={Boolean(search.totals)} onClick={() => go({ totals: search.totals ? undefined : '1' }, true)}>
              {t('list.totals')}
            </button>
          ) : null}
          <a className="dim small export" href={api.file(name, query, 'xlsx', columnsOf(entity).map((column) => column.field.name))} download={`${name}.xlsx`}
            title={t('list.exportXlsx')}>
            <Icon name="download" size={14} /> Excel
          </a>
          <a className="dim small export" href={api.file(name, query, 'csv')} download={`${name}.csv`} title={t('list.export')}>
            CSV
          </a>
        </div>
      </header>
      <div className="page-body list-body">
        <Outcome running={running} />
        {!group && pages.isError && rows.length === 0 ? <Failed error={pages.error} retry={() => void pages.refetch()} /> : null}
        {!group && pages.isLoading ? <Skeleton rows={10} /> : null}
        {group ? <Groups name={name} entity={entity} field={group} query={query} onOpen={(condition) => put([...conditions, condition], { group: undefined })} /> : null}
        {!group && rows.length ? (
          phone ? <Cards name={name} entity={entity} rows={rows} /> : <Grid name={name} entity={entity} rows={rows} sort={sort} count={count} totals={totalRows} onSort={(next) => go({ sort: next })} />
        ) : null}
        {!group && pages.data && rows.length === 0 ? (
          narrowed ? (
            <Quiet title={t('list.nothing')} action={<Button variant="default" onClick={() => go({ q: undefined, filter: undefined, where: undefined })}>{t('list.clear')}</Button>} />
          ) : (
            <Quiet action={mayCreate ? (
              <LinkButton to="/e/$entity/new" params={{ entity: name }} variant="default">{t('list.newOf', { entity: entity.label })}</LinkButton>
            ) : null}>
              {entity.view?.empty ?? t('list.empty')}
            </Quiet>
          )
        ) : null}
        <div ref={sentinel} />
        {!group && hasNextPage ? (
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
