import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { api, type ListQuery } from '../../api/client';
import type { Entity, Row } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import type { ListSearch } from '../../app/router';
import { Icon } from '../../design/icons';
import { Failed, IconButton, LinkButton, Quiet, Skeleton } from '../../design/parts';
import { useT } from '../../i18n';
import { listOperations, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { Outcome } from '../operation/Outcome';
import { useOperation } from '../operation/useOperation';
import { shapesOf } from '../shapes/shapes';
import { BulkBar } from './BulkBar';
import { ColumnMenu } from './ColumnMenu';
import { readColumns, writeColumns } from './columns';
import { Conditions } from './Conditions';
import { Cards, Grid, type Picking } from './Grid';
import { Groups } from './Groups';
import { groupable, groupField, summable, sumIn } from './groups';
import './list.css';
import { usePages } from './pages';
import { Peek } from './Peek';
import { ShapeSwitch } from './ShapeSwitch';
import { Tabs } from './Tabs';
import { both, filterOf, readJust, readWhere, writeWhere, type Condition } from './where';

/** Boards, calendars, pivots and charts come with the screens that show them. */
const Shape = lazy(() => import('../shapes/Shape').then(({ Shape: component }) => ({ default: component })));

const PAGE = 50;
/** At most so many records are taken by "all that match". */
const MOST = 5000;

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
  const phone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const running = useOperation();
  const chosen = entity.view?.filters?.find((filter) => filter.key === search.filter);
  const sort = search.sort ?? entity.view?.sort ?? undefined;
  const conditions = useMemo(() => readWhere(search.where, entity), [search.where, entity]);
  const just = useMemo(() => readJust(search.just), [search.just]);
  const columns = useMemo(() => readColumns(search.cols, entity), [search.cols, entity]);
  const fixed = Math.min(Math.max(0, Number.parseInt(search.fixed ?? '0', 10) || 0), columns.length);
  const shapes = shapesOf(meta, name);
  const shape = shapes.find((each) => each === search.shape);
  const group = shape ? undefined : groupField(entity, search.group ?? entity.view?.group ?? undefined);
  const query: ListQuery = useMemo(
    () => ({ filter: both(filterOf(entity, chosen?.filter, conditions), just), sort, q: search.q, limit: PAGE }),
    [entity, chosen, just, conditions, sort, search.q],
  );

  const go = (change: Partial<ListSearch>, replace = false) =>
    void navigate({ to: '/e/$entity', params: { entity: name }, search: { ...search, ...change }, replace });

  const pages = usePages(name, query, !group && !shape);
  const { count } = pages;
  const length = pages.pages.reduce((sum, page) => sum + page.length, 0);
  const sums = summable(columns.map((column) => column.field));
  const added = { filter: query.filter, q: query.q, sum: sums.map((field) => field.name).join(',') };
  // Only when asked for: adding up a long list takes its time.
  const totals = useQuery({
    queryKey: keys.list(name, added),
    queryFn: ({ signal }) => api.list(name, added, signal),
    enabled: Boolean(search.totals) && sums.length > 0 && !group && !shape,
    placeholderData: keepPreviousData,
  });
  const totalRows = search.totals ? totals.data?.rows.map((row) => Object.fromEntries(sums.map((field) => [field.name, sumIn(row, field)]))) : undefined;
  const narrowed = Boolean(search.q || chosen || just || conditions.length);
  const operations = listOperations(meta, name);
  const mayCreate = entity.rights.create && !entity.append_only;
  const put = (next: Condition[], more: Partial<ListSearch> = {}) => go({ where: writeWhere(next), ...more });
  const groups = groupable(entity);
  const rows = !group && !shape;
  const editable = entity.rights.write && !entity.append_only;

  const [peeked, setPeeked] = useState<number | null>(null);
  const { picked, picking, take, clear } = usePicking(pages.pages.flatMap((page) => page.rows ?? []), JSON.stringify([query.filter, query.q]));
  const takeAll = async () => {
    const all: Row[] = [];
    let after: string | null = null;
    do {
      const page: { rows: Row[]; next: string | null } = await api.list(name, { ...query, limit: 1000, after });
      all.push(...page.rows);
      after = page.next;
    } while (after !== null && all.length < MOST);
    take(all.slice(0, MOST));
  };

  return (
    <div className="page list-page" data-peek={(rows && peeked !== null && !phone) || undefined}>
      <header className="page-head list-head">
        <h1>
          {entity.plural}{' '}
          {count !== undefined && rows ? <span className="dim list-count num" title={t(pages.about ? 'list.countAbout' : 'list.count', { count })}>{pages.about ? `≈ ${count}` : count}</span> : null}
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
        <Tabs name={name} entity={entity} search={search} />
        <div className="list-bar">
          <div className="chips" role="group" aria-label={t('list.filters')}>
            {just ? (
              <span className="chip condition">
                <span className="ellipsis">{t('list.just')}</span>
                <IconButton icon="close" iconSize={12} size={20} label={t('where.remove', { field: t('list.just') })} onClick={() => go({ just: undefined })} />
              </span>
            ) : null}
            <Conditions entity={entity} conditions={conditions} onChange={(next) => put(next)} />
          </div>
          <span className="grow" />
          {groups.length && !shape ? (
            <label className="group-by">
              <span className="dim small">{t('group.label')}</span>
              <select className="input" value={group?.name ?? ''} onChange={(event) => go({ group: event.currentTarget.value || (entity.view?.group ? '-' : undefined) })}>
                <option value="">{t('group.nothing')}</option>
                {groups.map((field) => <option key={field.name} value={field.name}>{field.label}</option>)}
              </select>
            </label>
          ) : null}
          {sums.length && rows && !phone ? (
            <button type="button" className="chip" aria-pressed={Boolean(search.totals)} onClick={() => go({ totals: search.totals ? undefined : '1' }, true)}>
              {t('list.totals')}
            </button>
          ) : null}
          {rows && !phone ? (
            <ColumnMenu entity={entity} columns={columns} fixed={fixed} onReset={() => go({ cols: undefined, fixed: undefined }, true)}
              onChange={(next, stay) => go({ cols: writeColumns(next, entity), fixed: stay > 0 ? String(stay) : undefined }, true)} />
          ) : null}
          <ShapeSwitch shapes={shapes} shape={shape} onChange={(next) => go({ shape: next, by: undefined, across: undefined, measure: undefined, group: undefined })} />
          {mayCreate ? <Link className="dim small export" to="/e/$entity/import" params={{ entity: name }}>{t('list.import')}</Link> : null}
          <a className="dim small export" href={api.file(name, query, 'xlsx', columns.map((column) => column.field.name))} download={`${name}.xlsx`}
            title={t('list.exportXlsx')}>
            <Icon name="download" size={14} /> Excel
          </a>
          <a className="dim small export" href={api.file(name, query, 'csv')} download={`${name}.csv`} aria-label={t('list.export')} title={t('list.export')}>
            CSV
          </a>
        </div>
      </header>
      <div className="page-body list-body">
        <Outcome running={running} />
        {rows && pages.error && length === 0 ? <Failed error={pages.error} retry={pages.refetch} /> : null}
        {rows && pages.loading ? <Skeleton rows={10} /> : null}
        {shape ? (
          <Suspense fallback={<Skeleton rows={8} />}>
            <Shape shape={shape} name={name} entity={entity} query={query} search={search} go={go} conditions={conditions} running={running}
              onDrill={(more) => put([...conditions, ...more], { shape: undefined, by: undefined, across: undefined, measure: undefined })} />
          </Suspense>
        ) : null}
        {group ? <Groups name={name} entity={entity} field={group} query={query} onOpen={(condition) => put([...conditions, condition], { group: undefined })} /> : null}
        {rows && length ? (
          phone ? <Cards name={name} entity={entity} pages={pages} /> : (
            <Grid name={name} entity={entity} pages={pages} sort={sort} count={count} totals={totalRows} columns={columns} fixed={fixed} editable={editable} picking={picking}
              peeked={peeked} onPeek={setPeeked} onSort={(next) => go({ sort: next })} onColumns={(next) => go({ cols: writeColumns(next, entity) }, true)} />
          )
        ) : null}
        {rows && !pages.loading && !pages.error && length === 0 ? (
          narrowed ? (
            <Quiet title={t('list.nothing')} action={<Button variant="default" onClick={() => go({ q: undefined, filter: undefined, just: undefined, where: undefined })}>{t('list.clear')}</Button>} />
          ) : (
            <Quiet action={mayCreate ? (
              <LinkButton to="/e/$entity/new" params={{ entity: name }} variant="default">{t('list.newOf', { entity: entity.label })}</LinkButton>
            ) : null}>
              {entity.view?.empty ?? t('list.empty')}
            </Quiet>
          )
        ) : null}
        {rows && !pages.more && pages.incomplete ? <p className="dim small" role="status">{t('list.newest')}</p> : null}
        {rows && pages.more ? <div className="list-more dim small" role="status">{t('app.loading')}</div> : null}
      </div>
      {rows && peeked !== null && !phone ? <Peek name={name} entity={entity} id={peeked} onClose={() => setPeeked(null)} /> : null}
      {rows && picked.length ? (
        <BulkBar name={name} entity={entity} rows={picked} count={count} onAll={() => void takeAll()} onClear={clear} />
      ) : null}
    </div>
  );
}

/** Which records are picked. Other records than before: nothing is picked any more. */
function usePicking(shown: Row[], of: string) {
  const [state, setState] = useState<{ of: string; rows: Map<number, Row>; last: number | null }>({ of, rows: new Map(), last: null });
  const rows = state.of === of ? state.rows : new Map<number, Row>();
  const put = (next: Map<number, Row>, last: number | null) => setState({ of, rows: next, last });
  // What is known of a record may be older than what is on the screen.
  const now = new Map(shown.map((row) => [row.id!, row]));
  const picking: Picking = {
    has: (id) => rows.has(id),
    toggle: (row, range) => {
      const next = new Map(rows);
      const from = range && state.last !== null ? shown.findIndex((each) => each.id === state.last) : -1;
      const to = shown.findIndex((each) => each.id === row.id);
      if (from >= 0 && to >= 0) for (const each of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) next.set(each.id!, each);
      else if (next.has(row.id!)) next.delete(row.id!);
      else next.set(row.id!, row);
      put(next, row.id!);
    },
    all: shown.length > 0 && shown.every((row) => rows.has(row.id!)),
    some: rows.size > 0,
    toggleAll: () => put(shown.every((row) => rows.has(row.id!)) ? new Map() : new Map([...rows, ...now]), null),
  };
  return {
    picking,
    picked: [...rows].map(([id, row]) => now.get(id) ?? row),
    take: (all: Row[]) => put(new Map(all.map((row) => [row.id!, row])), null),
    clear: () => put(new Map(), null),
  };
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
