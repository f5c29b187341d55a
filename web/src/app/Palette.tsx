// One place for everything: records, screens, what can be made and done, and what one looked at last.
import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { api } from '../api/client';
import type { Meta } from '../api/types';
import { Icon, type IconName } from '../design/icons';
import { useT, type Translate } from '../i18n';
import { useMeta } from '../registry';
import { keys } from '../registry/keys';
import { fuzzy, plain } from './fuzzy';
import { recent } from './recent';
import { typeAhead } from './shortcuts';

const AT_MOST = 8;

interface Item {
  key: string;
  group: string;
  label: string;
  hint?: string;
  icon: IconName;
  run: () => void;
}

/** All that is known without asking: screens and what can be made. */
function known(meta: Meta, t: Translate, go: { list: (name: string) => void; page: (name: string) => void; make: (name: string) => void; next: () => void; inbox: () => void }): Item[] {
  const lists = [...new Set(meta.areas.flatMap((area) => area.entities))].filter((name) => meta.entities[name]?.rights.read);
  const pages = meta.areas.flatMap((area) => area.operations ?? []).filter((name) => meta.operations[name]?.read);
  const area = (name: string) => meta.areas.find((each) => each.entities.includes(name))?.label;
  return [
    { key: 'next', group: t('search.goto'), label: t('keys.next'), icon: 'star', run: go.next },
    { key: 'inbox', group: t('search.goto'), label: t('nav.inbox'), icon: 'inbox', run: go.inbox },
    ...lists.map((name): Item => ({ key: name, group: t('search.goto'), label: meta.entities[name]!.plural, hint: area(name), icon: 'rows', run: () => go.list(name) })),
    ...pages.map((name): Item => ({ key: `page ${name}`, group: t('search.goto'), label: meta.operations[name]!.label, icon: 'chart', run: () => go.page(name) })),
    ...lists.filter((name) => meta.entities[name]!.rights.create && !meta.entities[name]!.append_only)
      .map((name): Item => ({ key: `new ${name}`, group: t('search.make'), label: t('list.newOf', { entity: meta.entities[name]!.label }), icon: 'plus', run: () => go.make(name) })),
  ];
}

export function Palette({ making, onNext, onClose }: { making: boolean; onNext: () => void; onClose: () => void }) {
  const t = useT();
  const meta = useMeta();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 60);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const close = (then: () => void) => {
    onClose();
    then();
  };

  const items = useMemo(() => known(meta, t, {
    list: (name) => void navigate({ to: '/e/$entity', params: { entity: name } }),
    page: (name) => void navigate({ to: '/p/$operation', params: { operation: name } }),
    make: (name) => {
      typeAhead();
      void navigate({ to: '/e/$entity/new', params: { entity: name } });
    },
    next: onNext,
    inbox: () => void navigate({ to: '/inbox' }),
  }), [meta, t, navigate, onNext]);
  const open = (entity: string, record: number) => void navigate({ to: '/e/$entity/$id', params: { entity, id: String(record) } });

  const searchable = useMemo(
    () => [...new Set(meta.areas.flatMap((area) => area.entities))].filter((name) => meta.entities[name]?.rights.read && meta.entities[name]!.fields.some((field) => field.searchable)).slice(0, AT_MOST),
    [meta],
  );
  const asks = settled.length >= 2 && !making;
  const found = useQueries({
    queries: searchable.map((name) => {
      const query = { q: settled, limit: 4 };
      return {
        queryKey: keys.list(name, query),
        queryFn: ({ signal }: { signal: AbortSignal }) => api.list(name, query, signal),
        enabled: asks,
        placeholderData: keepPreviousData,
      };
    }),
  });

  const shown: Item[] = [];
  if (text.trim() === '') {
    if (!making) {
      shown.push(...recent(meta.user.id).filter((visit) => meta.entities[visit.entity]?.rights.read).map((visit): Item => ({
        key: `recent ${visit.entity}#${visit.id}`, group: t('search.recent'), label: visit.title, hint: meta.entities[visit.entity]!.label, icon: 'clock', run: () => open(visit.entity, visit.id),
      })));
      shown.push(...items.filter((item) => item.key === 'next' || item.key === 'inbox'));
    }
    shown.push(...items.filter((item) => item.key.startsWith('new ')));
  } else {
    const ranked = items.filter((item) => !making || item.key.startsWith('new '))
      .map((item) => ({ item, score: fuzzy(text, item.label) })).filter(({ score }) => score > 0).sort((a, b) => b.score - a.score).slice(0, AT_MOST);
    shown.push(...ranked.map(({ item }) => item));
    if (asks && plain(text.trim()).length >= 2) {
      found.forEach((result, index) => {
        const name = searchable[index]!;
        for (const row of result.data?.rows ?? []) {
          shown.push({ key: `${name}#${row.id}`, group: meta.entities[name]!.plural, label: row._title ?? `#${row.id}`, icon: 'arrowRight', run: () => open(name, row.id!) });
        }
      });
    }
  }
  // What belongs together stands together, in the order in which it came.
  const groups = [...new Set(shown.map((item) => item.group))];
  const ordered = groups.flatMap((group) => shown.filter((item) => item.group === group));
  const chosen = Math.min(at, Math.max(0, ordered.length - 1));
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }), [chosen]);

  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setAt((chosen + (event.key === 'ArrowDown' ? 1 : ordered.length - 1)) % Math.max(1, ordered.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const item = ordered[chosen];
      if (item) close(item.run);
    }
  };
  const nothing = asks && ordered.length === 0 && !found.some((result) => result.isFetching) && settled === text.trim();
  return (
    <Modal.Root opened onClose={onClose} size={600} yOffset="10vh" centered={false} classNames={{ content: 'palette' }}>
      <Modal.Overlay />
      <Modal.Content aria-label={t(making ? 'search.make' : 'search.label')}>
        <div className="palette-head">
          <Icon name={making ? 'plus' : 'search'} />
          <input role="combobox" aria-expanded aria-controls={id} aria-autocomplete="list" aria-activedescendant={ordered.length ? `${id}-${chosen}` : undefined} data-autofocus autoComplete="off"
            aria-label={t(making ? 'search.make' : 'search.label')} placeholder={t(making ? 'search.makePlaceholder' : 'search.placeholder')} value={text}
            onChange={(event) => { setText(event.currentTarget.value); setAt(0); }} onKeyDown={press} />
        </div>
        <ul ref={list} role="listbox" id={id} aria-label={t('search.results')}>
          {groups.map((group, part) => (
            <li key={group} role="presentation">
              <div className="palette-group" id={`${id}-group-${part}`}>{group}</div>
              <ul role="group" aria-labelledby={`${id}-group-${part}`}>
                {ordered.map((item, index) => (item.group !== group ? null : (
                  <li key={item.key} id={`${id}-${index}`} role="option" aria-selected={index === chosen} onMouseMove={() => setAt(index)} onClick={() => close(item.run)}>
                    <Icon name={item.icon} size={15} />
                    <span className="grow ellipsis">{item.label}</span>
                    {item.hint ? <span className="dim small" aria-hidden="true">{item.hint}</span> : null}
                  </li>
                )))}
              </ul>
            </li>
          ))}
          {nothing ? <li className="dim palette-nothing" role="presentation">{t('search.nothing')}</li> : null}
        </ul>
      </Modal.Content>
    </Modal.Root>
  );
}
