import { ActionIcon, Combobox, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { api } from '../api/client';
import type { Entity, Field, Row } from '../api/types';
import { Icon } from '../design/icons';
import { useT } from '../i18n';
import { fieldOf, isEditable, useMeta } from '../registry';
import { keys } from '../registry/keys';
import { idOf, remember, titleIn, useTitle } from './titles';
import { lookFor } from './pending';
import { control, type EditProps, type ReadProps, type Widget } from './widget';

export function RecordLink({ entity, id, title, children }: { entity: string; id: number; title?: unknown; children?: ReactNode }) {
  const meta = useMeta();
  const shown = useTitle(entity, id, title);
  const text = children ?? shown;
  return meta.entities[entity]?.rights.read
    ? <Link to="/e/$entity/$id" params={{ entity, id: String(id) }}>{text}</Link>
    : <>{text}</>;
}

function Title({ entity, id, title }: { entity: string | null | undefined; id: number; title?: unknown }) {
  return <>{useTitle(entity, id, title)}</>;
}

function ReadRef({ field, value, title, plain }: ReadProps) {
  const id = idOf(value);
  if (id === null) return null;
  const given = titleIn(value, title);
  return plain || !field.to ? <Title entity={field.to} id={id} title={given} /> : <RecordLink entity={field.to} id={id} title={given} />;
}

/** It is a form of its own, with all widgets: loaded when somebody needs it. */
const QuickCreate = lazy(() => import('./QuickCreate').then(({ QuickCreate: component }) => ({ default: component })));

/** The option that makes a new record. */
const NEW = 'new';

/** The name that was typed can be given to a new one. */
const canCreate = (target: Entity): boolean => {
  const title = fieldOf(target, target.title);
  return title?.kind === 'text' && isEditable(title);
};

interface PickerProps {
  props: EditProps;
  entity: string;
  selected: string;
  onPick: (row: Row) => void;
  /** What was typed, until it is known what it means; stays where it means nothing. */
  onText?: (text: string) => void;
  onClear?: () => void;
  open?: ReactNode;
  except?: number[];
}

/** A searchable list of another entity's records. */
function Picker({ props, entity, selected, onPick, onText, onClear, open, except }: PickerProps) {
  const t = useT();
  const meta = useMeta();
  const [text, setText] = useState<string | null>(null);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const [settled] = useDebouncedValue(text?.trim() ?? '', 150);
  const query = { q: settled, limit: 20 };
  const found = useQuery({
    queryKey: keys.list(entity, query),
    queryFn: ({ signal }) => api.list(entity, query, signal),
    enabled: combobox.dropdownOpened,
    placeholderData: keepPreviousData,
  });
  const rows = (found.data?.rows ?? []).filter((row) => !except?.includes(row.id!));
  const target = meta.entities[entity];
  const subtitle = fieldOf(target, target?.view?.card?.subtitle);
  const canClear = Boolean(onClear && selected && !props.field.required && !props.disabled);
  const buttons = (canClear ? 1 : 0) + (open ? 1 : 0);

  const mayCreate = Boolean(onText && target?.rights.create && !target.append_only && canCreate(target));
  const [creating, setCreating] = useState<string | null>(null);

  /** Takes the best of what is found for the text, though nothing has been shown of it yet. */
  const takeSoon = (typed: string) => {
    setText(null);
    combobox.closeDropdown();
    lookFor(typed, async () => {
      const page = await api.list(entity, { q: typed, limit: 20 });
      const row = page.rows.find((each) => !except?.includes(each.id!));
      if (row) take(row);
      return Boolean(row);
    }, () => onText?.(typed));
    onText?.(typed);
  };

  const take = (row: Row | undefined) => {
    if (!row?.id) return;
    remember(entity, row.id, row._title);
    onPick(row);
    setText(null);
    combobox.closeDropdown();
  };

  return (
    <>
    <Combobox store={combobox} onOptionSubmit={(value) => { if (value === NEW) { setCreating(text?.trim() ?? ''); combobox.closeDropdown(); } else take(rows.find((row) => String(row.id) === value)); }}
      position="bottom-start" width="max-content" middlewares={{ flip: true, shift: true }}>
      <Combobox.Target>
        <div className="with-buttons" data-buttons={Math.max(buttons, 1)}>
          <Combobox.EventsTarget withExpandedAttribute>
            <input
              {...control(props)}
              type="text"
              role="combobox"
              autoComplete="off"
              placeholder={props.hint ?? (props.cell ? undefined : t('field.search'))}
              value={text ?? selected}
              onChange={(event) => {
                setText(event.currentTarget.value);
                combobox.openDropdown();
                combobox.updateSelectedOptionIndex();
              }}
              onFocus={(event) => event.currentTarget.select()}
              onClick={() => combobox.openDropdown()}
              onBlur={() => {
                combobox.closeDropdown();
                // An emptied field is an emptied reference; half a word is nothing.
                if (text !== null && text.trim() === '' && onClear && selected) onClear();
                setText(null);
              }}
              onKeyDown={(event) => {
                if (event.key === 'Escape') setText(null);
                if ((event.key === 'Enter' || event.key === 'Tab') && text?.trim() && combobox.getSelectedOptionIndex() < 0) {
                  if (event.key === 'Enter') event.preventDefault();
                  if (settled === text.trim() && found.data && !found.isPlaceholderData) {
                    if (rows.length > 0) take(rows[0]);
                    else if (onText) onText(text.trim());
                  } else if (onText) takeSoon(text.trim());
                }
              }}
            />
          </Combobox.EventsTarget>
          <span className="buttons">
            {canClear ? (
              <ActionIcon variant="subtle" color="gray" size={26} tabIndex={-1} aria-label={t('field.clear')}
                onMouseDown={(event) => event.preventDefault()} onClick={() => { setText(null); onClear?.(); }}>
                <Icon name="close" size={14} />
              </ActionIcon>
            ) : null}
            {open}
          </span>
        </div>
      </Combobox.Target>
      <Combobox.Dropdown miw={240} maw="min(480px, 92vw)">
        <Combobox.Options mah={280} style={{ overflowY: 'auto' }} aria-label={props.field.label}>
          {rows.map((row) => {
            const id = idOf(row[subtitle?.name ?? '']);
            return (
              <Combobox.Option value={String(row.id)} key={row.id}>
                <div className="ellipsis">{row._title ?? `#${row.id}`}</div>
                {subtitle && !['choice', 'money'].includes(subtitle.kind) && row[subtitle.name] ? (
                  <div className="dim small ellipsis">
                    {String(id !== null ? row._titles?.[subtitle.name] ?? '' : row[subtitle.name])}
                  </div>
                ) : null}
              </Combobox.Option>
            );
          })}
          {rows.length === 0 ? <Combobox.Empty>{found.isLoading ? t('app.loading') : t('field.nothing')}</Combobox.Empty> : null}
          {mayCreate && text?.trim() && settled === text.trim() && found.data && !found.isPlaceholderData ? (
            <Combobox.Option value={NEW} className="picker-new"><Icon name="plus" size={13} /> {t('field.create', { entity: target!.label, text: text.trim() })}</Combobox.Option>
          ) : null}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
    {creating !== null ? <Suspense><QuickCreate entity={entity} text={creating} onClose={() => setCreating(null)} onMade={(row) => { setCreating(null); take(row); }} /></Suspense> : null}
    </>
  );
}

function OpenLink({ entity, id, title }: { entity: string; id: number; title: string }) {
  const t = useT();
  const meta = useMeta();
  if (!meta.entities[entity]?.rights.read) return null;
  return (
    <ActionIcon variant="subtle" color="gray" size={26} tabIndex={-1} aria-label={t('field.open', { title })}
      renderRoot={(root) => <Link to="/e/$entity/$id" params={{ entity, id: String(id) }} {...root} />}>
      <Icon name="open" size={14} />
    </ActionIcon>
  );
}

function EditRef(props: EditProps) {
  const entity = props.field.to ?? '';
  const id = idOf(props.value);
  const title = useTitle(entity, id, titleIn(props.value, props.title));
  return (
    <Picker
      props={props}
      entity={entity}
      selected={typeof props.value === 'string' ? props.value : title}
      onPick={(row) => props.onChange(row.id)}
      onText={(text) => props.onChange(text)}
      onClear={() => props.onChange(null)}
      open={id !== null && !props.cell ? <OpenLink entity={entity} id={id} title={title} /> : null}
    />
  );
}

export const ref: Widget = { Read: ReadRef, Edit: EditRef };

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const titleAt = (title: unknown, index: number, id: number): unknown =>
  Array.isArray(title) ? title[index] : title && typeof title === 'object' ? (title as Record<string, unknown>)[id] : undefined;

export const many: Widget = {
  group: true,
  Read: ({ field, value, title, plain }) => (
    <span className="pills">
      {listOf(value).map((each, index) => {
        const id = idOf(each);
        if (id === null) return null;
        const given = titleIn(each, titleAt(title, index, id));
        return (
          <span className="pill" data-fixed key={id}>
            {plain || !field.to ? <Title entity={field.to} id={id} title={given} /> : <RecordLink entity={field.to} id={id} title={given} />}
          </span>
        );
      })}
    </span>
  ),
  Edit: function EditMany(props) {
    const t = useT();
    const ids = listOf(props.value).map(idOf).filter((id): id is number => id !== null);
    return (
      <div style={{ display: 'grid', gap: 4 }}>
        {ids.length ? (
          <span className="pills">
            {ids.map((id, index) => (
              <span className="pill" key={id}>
                <Title entity={props.field.to} id={id} title={titleIn(listOf(props.value)[index], titleAt(props.title, index, id))} />
                <ActionIcon variant="subtle" color="gray" size={20} aria-label={t('field.clear')} disabled={props.disabled}
                  onClick={() => props.onChange(ids.filter((each) => each !== id))}>
                  <Icon name="close" size={12} />
                </ActionIcon>
              </span>
            ))}
          </span>
        ) : null}
        <Picker props={{ ...props, label: props.label ?? props.field.label }} entity={props.field.to ?? ''} selected="" except={ids}
          onPick={(row) => props.onChange([...ids, row.id])} />
      </div>
    );
  },
};

const anyOf = (value: unknown): { entity?: string; id?: number } => (value && typeof value === 'object' ? (value as { entity?: string; id?: number }) : {});

export const anyRef: Widget = {
  group: true,
  Read: ({ value, title, plain }) => {
    const { entity, id } = anyOf(value);
    if (!entity || !id) return null;
    return plain ? <Title entity={entity} id={id} title={title} /> : <RecordLink entity={entity} id={id} title={title} />;
  },
  Edit: function EditAnyRef(props) {
    const meta = useMeta();
    const current = anyOf(props.value);
    const [chosen, setChosen] = useState<string>('');
    const entity = current.entity ?? chosen;
    const field: Field = { ...props.field, to: entity };
    const offered = [...new Set(meta.areas.flatMap((area) => area.entities))].filter((name) => meta.entities[name]?.rights.read);
    return (
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 2fr) minmax(0, 3fr)', gap: 6 }}>
        <select className="input" aria-label={props.field.label} disabled={props.disabled} value={entity}
          onChange={(event) => { setChosen(event.currentTarget.value); props.onChange(null); }}>
          <option value="">{''}</option>
          {entity && !offered.includes(entity) ? <option value={entity}>{meta.entities[entity]?.label ?? entity}</option> : null}
          {offered.map((name) => <option key={name} value={name}>{meta.entities[name]!.label}</option>)}
        </select>
        {entity ? (
          <EditRef {...props} field={field} label={props.label ?? props.field.label} value={current.id ?? null}
            onChange={(id) => props.onChange(id ? { entity, id } : null)} />
        ) : null}
      </div>
    );
  },
};
