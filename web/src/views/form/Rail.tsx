// What stands around a record: panels, linked documents, attachments, history.
import { Button } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState, type ReactNode } from 'react';
import { api, asProblem } from '../../api/client';
import type { Entity, Field, LinkedDocument, Panel, Row } from '../../api/types';
import { Icon } from '../../design/icons';
import { Badge, IconButton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { FileLink } from '../../fields/file';
import { RecordLink } from '../../fields/ref';
import { useI18n, useT } from '../../i18n';
import { formatTimestamp } from '../../i18n/format';
import { fieldOf, fieldsByName, isEmpty, isNumeric, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { writeWhere } from '../list/where';
import { gathered } from './gathered';
import { Notes } from './Notes';
import './rail.css';

const AT_MOST = 6;

export function RailSection({ title, count, children }: { title: string; count?: number; children: ReactNode }) {
  return (
    <section className="rail-section" aria-label={title}>
      <h2>
        {title}
        {count ? <span className="dim num"> {count}</span> : null}
      </h2>
      {children}
    </section>
  );
}

const Nothing = () => <p className="dim small">{useT()('rail.empty')}</p>;

/** Records of another entity, small: what they are called and come to, below it the rest. The whole row opens. */
export function MiniList({ entity, columns, rows }: { entity: string; columns: string[]; rows: Row[] }) {
  const meta = useMeta();
  const navigate = useNavigate();
  const shown = meta.entities[entity];
  if (!shown) return null;
  const fields = fieldsByName(shown, columns);
  const [first, ...others] = fields;
  const amount = others.filter((field) => field.kind === 'money').at(-1) ?? others.filter(isNumeric).at(-1);
  const rest = others.filter((field) => field !== amount);
  const part = (row: Row, field: Field) => {
    if (isEmpty(row[field.name])) return null;
    const { Read } = widgetOf(field);
    return <span key={field.name} title={field.label}><Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain /></span>;
  };
  return (
    <ul className="mini-list">
      {rows.map((row) => (
        <li key={row.id} data-opens={shown.rights.read || undefined}
          onClick={(event) => {
            if (row.id !== undefined && shown.rights.read && !(event.target as HTMLElement).closest('a')) {
              void navigate({ to: '/e/$entity/$id', params: { entity, id: String(row.id) } });
            }
          }}>
          <span className="mini-line">
            <span className="grow ellipsis">
              {first && row.id !== undefined ? (
                <RecordLink entity={entity} id={row.id} title={row._title}>{first.name === shown.title || isEmpty(row[first.name]) ? undefined : part(row, first)}</RecordLink>
              ) : null}
            </span>
            {amount ? part(row, amount) : null}
          </span>
          {rest.some((field) => !isEmpty(row[field.name])) ? (
            <span className="mini-line dim">
              <span className="grow mini-rest ellipsis">{rest.filter((field) => field.kind !== 'choice').map((field) => part(row, field))}</span>
              {rest.filter((field) => field.kind === 'choice').map((field) => part(row, field))}
            </span>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

/** The list that a panel shows the beginning of, where its records can be told by one condition. */
function MoreOf({ panel, id }: { panel: Panel; id: number }) {
  const t = useT();
  const meta = useMeta();
  const field = panel.filter ? undefined : fieldOf(meta.entities[panel.entity], panel.path);
  const where = field?.kind === 'ref' ? writeWhere([{ field: field.name, op: 'eq', value: String(id) }]) : undefined;
  return (
    <p className="small">
      {where ? <Link to="/e/$entity" params={{ entity: panel.entity }} search={{ where }}>{t('rail.more')}</Link> : <span className="dim">…</span>}
    </p>
  );
}

export function PanelView({ entity, id, panel }: { entity: string; id: number; panel: Panel }) {
  const meta = useMeta();
  const page = useQuery({
    queryKey: keys.panel(entity, id, panel.key, panel.entity),
    queryFn: ({ signal }) => api.panel(entity, id, panel.key, signal),
  });
  const rows = page.data?.rows ?? [];
  const sums = Object.entries(page.data?.sums ?? {});
  const shown = meta.entities[panel.entity];
  return (
    <RailSection title={panel.label} count={page.data && !page.data.next ? rows.length : undefined}>
      {page.isError ? <p className="dim small">{asProblem(page.error).title}</p> : null}
      {page.data && rows.length === 0 ? <Nothing /> : null}
      {rows.length ? <MiniList entity={panel.entity} columns={panel.columns} rows={rows.slice(0, AT_MOST)} /> : null}
      {rows.length > AT_MOST || page.data?.next ? <MoreOf panel={panel} id={id} /> : null}
      {rows.length && sums.length ? (
        <dl className="rail-sums">
          {sums.map(([name, value]) => {
            const field = fieldOf(shown, name);
            if (!field) return null;
            const { Read } = widgetOf(field);
            return <div key={name}><dt>{field.label}</dt><dd><Read field={field} value={value} /></dd></div>;
          })}
        </dl>
      ) : null}
    </RailSection>
  );
}

/** Documents that lead here and those to which it leads, in the order of their making. */
function Links({ entity, id }: { entity: string; id: number }) {
  const t = useT();
  const links = useQuery({ queryKey: keys.links(entity, id), queryFn: ({ signal }) => api.links(entity, id, signal) });
  const rows = links.data?.rows ?? [];
  if (links.data && rows.length === 0) return null;
  return (
    <RailSection title={t('rail.links')} count={rows.length}>
      <Chain entity={entity} id={id} rows={rows} depth={0} seen={[`${entity}#${id}`]} />
    </RailSection>
  );
}

const DEEPEST = 3;

function Chain({ entity, id, rows, depth, seen }: { entity: string; id: number; rows: LinkedDocument[]; depth: number; seen: string[] }) {
  const t = useT();
  const before = rows.filter((row) => row.direction === 'out');
  const after = rows.filter((row) => row.direction === 'in');
  return (
    <ol className="chain" data-depth={depth}>
      {before.map((row) => <Link_ key={`${row.entity}#${row.id}`} row={row} depth={depth} seen={seen} />)}
      {before.length && depth === 0 ? <li className="chain-here" key={`${entity}#${id}`}><span className="chain-dot" />{t('rail.here')}</li> : null}
      {after.map((row) => <Link_ key={`${row.entity}#${row.id}`} row={row} depth={depth} seen={seen} />)}
    </ol>
  );
}

/** A document of the chain; what hangs on it in turn is shown when asked for. */
function Link_({ row, depth, seen }: { row: LinkedDocument; depth: number; seen: string[] }) {
  const t = useT();
  const meta = useMeta();
  const [open, setOpen] = useState(false);
  const other = meta.entities[row.entity];
  const further = useQuery({
    queryKey: keys.links(row.entity, row.id), queryFn: ({ signal }) => api.links(row.entity, row.id, signal), enabled: open,
  });
  const choice = fieldOf(other, other?.status)?.choices?.find((each) => each.value === row.status || each.label === row.status);
  const rows = (further.data?.rows ?? []).filter((each) => !seen.includes(`${each.entity}#${each.id}`));
  return (
    <li>
      <span className="chain-line">
        <span className="chain-dot" />
        <span className="ellipsis"><RecordLink entity={row.entity} id={row.id} title={row.title} /></span>
        <span className="grow dim small rail-kind">{row.entity_label}</span>
        {row.status ? <Badge colour={choice?.colour}>{choice?.label ?? row.status}</Badge> : null}
        {depth < DEEPEST && other?.rights.read ? (
          <IconButton icon={open ? 'chevronDown' : 'chevronRight'} iconSize={12} size={22} aria-expanded={open} label={t('rail.further', { title: row.title })} onClick={() => setOpen(!open)} />
        ) : null}
      </span>
      {open && rows.length ? <Chain entity={row.entity} id={row.id} rows={rows} depth={depth + 1} seen={[...seen, ...rows.map((each) => `${each.entity}#${each.id}`)]} /> : null}
      {open && further.data && rows.length === 0 ? <p className="dim small chain-end">{t('rail.noFurther')}</p> : null}
    </li>
  );
}

function Attachments({ entity, id, canWrite }: { entity: string; id: number; canWrite: boolean }) {
  const t = useT();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const files = useQuery({ queryKey: keys.files(entity, id), queryFn: ({ signal }) => api.attachments(entity, id, signal) });
  const upload = useMutation({
    mutationFn: (file: File) => api.upload(file, entity, id),
    onSettled: () => client.invalidateQueries({ queryKey: keys.files(entity, id) }),
  });
  const rows = files.data?.rows ?? [];
  return (
    <RailSection title={t('rail.files')} count={rows.length}>
      {files.data && rows.length === 0 && !canWrite ? <Nothing /> : null}
      <ul className="rail-list">{rows.map((file) => <li key={file.id}><span className="grow"><FileLink file={file} /></span></li>)}</ul>
      {upload.isError ? <div className="field-error" role="alert">{asProblem(upload.error).detail ?? asProblem(upload.error).title}</div> : null}
      {canWrite ? (
        <>
          <Button size="compact-sm" variant="subtle" color="gray" loading={upload.isPending} leftSection={<Icon name="paperclip" size={14} />}
            onClick={() => input.current?.click()}>
            {t('rail.upload')}
          </Button>
          <input ref={input} type="file" hidden aria-label={t('rail.upload')}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) upload.mutate(file);
              event.currentTarget.value = '';
            }} />
        </>
      ) : null}
    </RailSection>
  );
}

/** A value as history keeps it: already in words, or a value of its field's kind. */
function Kept({ entity, name, value, title }: { entity: Entity; name: string; value: unknown; title?: string | null }) {
  const field = fieldOf(entity, name);
  if (value === null || value === undefined || value === '') return <span className="dim">–</span>;
  if (!field || (typeof value === 'string' && !['choice', 'date', 'timestamp', 'dec', 'country', 'language'].includes(field.kind))) {
    return <>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</>;
  }
  const { Read } = widgetOf(field);
  return <Read field={field} value={value} title={title} plain />;
}

function History({ entity, id }: { entity: string; id: number }) {
  const { t, locale, timeZone } = useI18n();
  const meta = useMeta();
  const shown = meta.entities[entity]!;
  const history = useInfiniteQuery({
    queryKey: keys.history(entity, id),
    queryFn: ({ pageParam, signal }) => api.history(entity, id, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const rows = gathered(history.data?.pages.flatMap((page) => page.rows) ?? []);
  return (
    <RailSection title={t('rail.history')}>
      {history.data && rows.length === 0 ? <Nothing /> : null}
      <ol className="history">
        {rows.map((row, index) => (
          <li key={index}>
            <div>
              <b>{row.operation_label ?? t(row.kind === 'created' ? 'history.created' : 'history.changed')}</b>
              {row.step ? <span className="dim small"> {t('history.step', { step: row.step })}</span> : null}
            </div>
            <div className="dim small">
              {t('history.by', { name: row.actor?.name ?? t('history.system'), when: formatTimestamp(row.at, locale, timeZone) })}
            </div>
            {row.changes.length ? (
              <details open={index === 0 && row.changes.length <= 4}>
                <summary className="dim small">{row.changes.map((change) => change.label).slice(0, 4).join(', ')}{row.changes.length > 4 ? '…' : ''}</summary>
                <dl className="changes">
                  {row.changes.map((change) => (
                    <div key={change.field}>
                      <dt>{change.label}</dt>
                      <dd>
                        {change.before !== null && change.before !== undefined ? (
                          <><s className="dim"><Kept entity={shown} name={change.field} value={change.before} title={change.before_title} /></s> → </>
                        ) : null}
                        <Kept entity={shown} name={change.field} value={change.after} title={change.after_title} />
                      </dd>
                    </div>
                  ))}
                </dl>
              </details>
            ) : null}
          </li>
        ))}
      </ol>
      {history.hasNextPage ? (
        <Button size="compact-sm" variant="subtle" color="gray" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
          {t('rail.older')}
        </Button>
      ) : null}
    </RailSection>
  );
}

/** The panels that hold something, and in one line those that do not. */
function Panels({ entity, id, panels }: { entity: string; id: number; panels: Panel[] }) {
  const t = useT();
  const pages = useQueries({
    queries: panels.map((panel) => ({
      queryKey: keys.panel(entity, id, panel.key, panel.entity),
      queryFn: ({ signal }: { signal: AbortSignal }) => api.panel(entity, id, panel.key, signal),
    })),
  });
  const empty = panels.filter((_, at) => pages[at]?.data?.rows.length === 0);
  return (
    <>
      {panels.map((panel) => (empty.includes(panel) ? null : <PanelView key={panel.key} entity={entity} id={id} panel={panel} />))}
      {empty.length ? <p className="dim small rail-none">{t('rail.none', { list: empty.map((panel) => panel.label).join(', ') })}</p> : null}
    </>
  );
}

export function Rail({ entity, id }: { entity: string; id: number }) {
  const t = useT();
  const meta = useMeta();
  const shown = meta.entities[entity]!;
  return (
    <aside className="rail" aria-label={t('rail.label')}>
      <Panels entity={entity} id={id} panels={(shown.panels ?? []).filter((panel) => meta.entities[panel.entity]?.rights.read)} />
      <Notes entity={entity} id={id} />
      <Links entity={entity} id={id} />
      <Attachments entity={entity} id={id} canWrite={shown.rights.write} />
      <History entity={entity} id={id} />
    </aside>
  );
}
