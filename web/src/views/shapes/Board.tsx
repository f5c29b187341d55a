// Records as cards in lanes. Dragging a card to another lane is the operation that makes that change; where it may not be,
// the card stays and the reason is told. The same by the keyboard: the menu of a card.
import { Menu } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Colour, Field, Row } from '../../api/types';
import { Icon } from '../../design/icons';
import { Badge, IconButton, Skeleton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { columnsOf, fieldOf, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { summable, sumIn } from '../list/groups';
import { ChooseField } from './Choose';
import { both } from '../list/where';
import type { ShapeProps } from './Shape';
import { boardFields, wayTo } from './shapes';

interface Lane {
  value: unknown;
  label: string;
  colour?: Colour | null;
}

const MOST_LANES = 20;
const CARDS = 30;

export function Board({ name, entity, query, search, running, go, onDrill }: ShapeProps) {
  const t = useT();
  const meta = useMeta();
  const client = useQueryClient();
  const fields = boardFields(meta, name);
  const field = fields.find((each) => each.name === search.by) ?? fields[0]!;
  const target = field.kind === 'ref' && field.to ? field.to : null;
  const asked = { limit: MOST_LANES, sort: target ? meta.entities[target]?.view?.sort : undefined };
  const records = useQuery({ queryKey: keys.list(target ?? '', asked), queryFn: ({ signal }) => api.list(target!, asked, signal), enabled: target !== null });
  const lanes: Lane[] = target
    ? (records.data?.rows ?? []).map((row) => ({ value: row.id, label: row._title ?? `#${row.id}` }))
    : (field.choices ?? []).map((choice) => ({ value: choice.value, label: choice.label, colour: choice.colour }));
  const [carried, setCarried] = useState<Row | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const sums = summable(columnsOf(entity).map((column) => column.field)).slice(0, 1);
  const grouped = { filter: query.filter, q: query.q, group: field.name, sum: sums.map((sum) => sum.name).join(',') || undefined };
  const heads = useQuery({ queryKey: keys.list(name, grouped), queryFn: ({ signal }) => api.list(name, grouped, signal) });

  const move = async (row: Row, lane: Lane) => {
    setCarried(null);
    setRefused(null);
    if (row[field.name] === lane.value) return;
    const way = wayTo(meta, name, field, row, lane.value);
    if (!way) {
      setRefused(t('board.noWay', { title: row._title ?? `#${row.id}`, lane: lane.label }));
    } else if (way.kind === 'operation') {
      running.start(way.operation.name, way.input, { onlyMissing: !way.operation.dangerous });
    } else {
      try {
        await api.change(name, row.id!, row.rev ?? 0, { [field.name]: lane.value }, newKey());
        await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'entity' && queryKey[1] === name });
      } catch (error) {
        const problem = asProblem(error);
        setRefused(problem.errors?.[0]?.message ?? problem.detail ?? problem.title);
      }
    }
  };

  return (
    <>
      <div className="shape-bar">
        <ChooseField label={t('board.by')} fields={fields} value={field.name} onChange={(by) => go({ by })} />
        {refused ? <span className="field-error" role="alert">{refused}</span> : null}
      </div>
      {target && !records.data ? <Skeleton rows={6} /> : null}
      <div className="board" role="list" aria-label={entity.plural}>
        {lanes.map((lane) => (
          <LaneColumn key={String(lane.value)} lane={lane} lanes={lanes} field={field} carried={carried}
            head={(heads.data?.rows ?? []).filter((row) => row[field.name] === lane.value)} sum={sums[0]} name={name} entity={entity} query={query}
            onCarry={setCarried} onMove={move} onAll={() => onDrill([{ field: field.name, op: 'eq', value: String(lane.value) }])} />
        ))}
      </div>
    </>
  );
}

interface LaneProps extends Pick<ShapeProps, 'name' | 'entity' | 'query'> {
  lane: Lane;
  lanes: Lane[];
  field: Field;
  carried: Row | null;
  head: Row[];
  sum: Field | undefined;
  onCarry: (row: Row | null) => void;
  onMove: (row: Row, lane: Lane) => Promise<void>;
  onAll: () => void;
}

function LaneColumn({ lane, lanes, field, carried, head, sum, name, entity, query, onCarry, onMove, onAll }: LaneProps) {
  const t = useT();
  const [over, setOver] = useState(false);
  const asked = { filter: both(query.filter, { [field.name]: lane.value }), q: query.q, sort: query.sort, limit: CARDS };
  const page = useQuery({ queryKey: keys.list(name, asked), queryFn: ({ signal }) => api.list(name, asked, signal) });
  const rows = page.data?.rows ?? [];
  const count = head.reduce((all, row) => all + Number(row.count ?? 0), 0);
  const { Read } = sum ? widgetOf(sum) : { Read: null };
  return (
    <div className="lane" role="listitem" aria-label={lane.label} data-over={(over && carried !== null) || undefined}
      onDragOver={(event) => { if (carried) { event.preventDefault(); setOver(true); } }}
      onDragLeave={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node)) setOver(false); }}
      onDrop={(event) => { event.preventDefault(); setOver(false); if (carried) void onMove(carried, lane); }}>
      <header>
        <h2 className="ellipsis">{lane.colour ? <Badge colour={lane.colour}>{lane.label}</Badge> : lane.label}</h2>
        <span className="dim num small">{count || ''}</span>
        <span className="grow" />
        <span className="small">{Read && sum ? head.map((row, at) => <div key={at}><Read field={sum} value={sumIn(row, sum)} plain /></div>) : null}</span>
      </header>
      <ul>
        {rows.map((row) => (
          <CardOf key={row.id} name={name} entity={entity} row={row} lanes={lanes.filter((each) => each.value !== lane.value)} onCarry={onCarry} onMove={onMove} />
        ))}
      </ul>
      {page.data?.next ? <button type="button" className="chip" onClick={onAll}>{t('rail.more')}</button> : null}
    </div>
  );
}

function CardOf({ name, entity, row, lanes, onCarry, onMove }: Pick<LaneProps, 'name' | 'entity' | 'lanes' | 'onCarry' | 'onMove'> & { row: Row }) {
  const t = useT();
  const card = entity.view?.card ?? {};
  const part = (key: string | null | undefined) => {
    const field = fieldOf(entity, key);
    if (!field) return null;
    const { Read } = widgetOf(field);
    return <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
  };
  const title = row._title ?? `#${row.id}`;
  return (
    <li className="board-card" draggable onDragEnd={() => onCarry(null)}
      onDragStart={(event) => { event.dataTransfer.effectAllowed = 'move'; event.dataTransfer.setData('text/plain', title); onCarry(row); }}>
      <span className="card-line">
        <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="row-link ellipsis grow" draggable={false}>{title}</Link>
        <Menu position="bottom-end" width={220}>
          <Menu.Target><IconButton icon="dots" iconSize={14} size={24} label={t('board.move', { title })} /></Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t('board.moveTo')}</Menu.Label>
            {lanes.map((lane) => <Menu.Item key={String(lane.value)} leftSection={<Icon name="arrowRight" size={13} />} onClick={() => void onMove(row, lane)}>{lane.label}</Menu.Item>)}
          </Menu.Dropdown>
        </Menu>
      </span>
      <span className="dim small ellipsis">{part(card.subtitle)}</span>
      <span className="card-line small"><span className="grow">{part(card.amount)}</span><span className="dim">{part(card.date)}</span></span>
    </li>
  );
}
