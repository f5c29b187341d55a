import { Combobox, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api } from '../api/client';
import { Icon } from '../design/icons';
import { useT } from '../i18n';
import { useMeta } from '../registry';
import { keys } from '../registry/keys';

const AT_MOST = 8;

export const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Lists by name, and records of the searchable lists by what was typed. */
export function GlobalSearch() {
  const t = useT();
  const meta = useMeta();
  const navigate = useNavigate();
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 200);

  const lists = useMemo(
    () => [...new Set(meta.areas.flatMap((area) => area.entities))].filter((name) => meta.entities[name]?.rights.read),
    [meta],
  );
  const searchable = useMemo(
    () => lists.filter((name) => meta.entities[name]!.fields.some((field) => field.searchable)).slice(0, AT_MOST),
    [lists, meta],
  );
  const found = useQueries({
    queries: searchable.map((name) => {
      const query = { q: settled, limit: 4 };
      return {
        queryKey: keys.list(name, query),
        queryFn: ({ signal }: { signal: AbortSignal }) => api.list(name, query, signal),
        enabled: settled.length >= 2,
      };
    }),
  });
  const needle = plain(text.trim());
  const pages = useMemo(() => meta.areas.flatMap((area) => area.operations ?? []).filter((name) => meta.operations[name]?.read), [meta]);
  const goTo = needle ? lists.filter((name) => plain(meta.entities[name]!.plural).includes(needle)).slice(0, 5) : [];
  const goToPages = needle ? pages.filter((name) => plain(meta.operations[name]!.label).includes(needle)).slice(0, 3) : [];
  const records = settled.length >= 2 && needle
    ? found.flatMap((result, index) => (result.data?.rows ?? []).map((row) => ({ name: searchable[index]!, row })))
    : [];

  const pick = (value: string) => {
    const [name, id] = value.split('#') as [string, string | undefined];
    setText('');
    combobox.closeDropdown();
    if (id === '') void navigate({ to: '/p/$operation', params: { operation: name } });
    else if (id) void navigate({ to: '/e/$entity/$id', params: { entity: name, id } });
    else void navigate({ to: '/e/$entity', params: { entity: name } });
  };

  return (
    <search className="shell-search">
      <Combobox store={combobox} onOptionSubmit={pick} position="bottom-end" width={360}>
        <Combobox.Target>
          <TextInput
            data-search="global"
            aria-label={t('search.label')}
            placeholder={t('search.placeholder')}
            leftSection={<Icon name="search" size={15} />}
            value={text}
            autoComplete="off"
            onChange={(event) => {
              setText(event.currentTarget.value);
              combobox.openDropdown();
              combobox.selectFirstOption();
            }}
            onBlur={() => combobox.closeDropdown()}
            onKeyDown={(event) => {
              if (event.key === 'Escape') {
                setText('');
                event.currentTarget.blur();
              }
            }}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={!needle}>
          <Combobox.Options mah={380} style={{ overflowY: 'auto' }}>
            {goTo.length + goToPages.length ? (
              <Combobox.Group label={t('search.goto')}>
                {goTo.map((name) => <Combobox.Option key={name} value={name}>{meta.entities[name]!.plural}</Combobox.Option>)}
                {goToPages.map((name) => <Combobox.Option key={name} value={`${name}#`}>{meta.operations[name]!.label}</Combobox.Option>)}
              </Combobox.Group>
            ) : null}
            {searchable.map((name) => {
              const mine = records.filter((record) => record.name === name);
              return mine.length ? (
                <Combobox.Group key={name} label={meta.entities[name]!.plural}>
                  {mine.map(({ row }) => (
                    <Combobox.Option key={row.id} value={`${name}#${row.id}`}>{row._title ?? `#${row.id}`}</Combobox.Option>
                  ))}
                </Combobox.Group>
              ) : null;
            })}
            {goTo.length + goToPages.length + records.length === 0 ? <Combobox.Empty>{t('search.nothing')}</Combobox.Empty> : null}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
    </search>
  );
}
