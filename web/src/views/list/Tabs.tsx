// Views of a list as tabs: all, the filters that come with it, and those that people kept. A view is a name for an address.
import { Button, Menu, Popover } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Entity } from '../../api/types';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import type { ListSearch } from '../../app/router';
import { useT } from '../../i18n';
import { useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { readAddress, sameAddress, writeAddress } from './address';

export interface KeptView {
  view: number;
  name: string;
  address: string;
  shared: boolean;
  own: boolean;
}

interface Props {
  name: string;
  entity: Entity;
  search: ListSearch;
}

export function Tabs({ name, entity, search }: Props) {
  const t = useT();
  const meta = useMeta();
  const client = useQueryClient();
  const may = 'platform.view.list' in meta.operations;
  const kept = useQuery({
    queryKey: keys.views(name),
    queryFn: ({ signal }) => api.read<{ views: KeptView[] }>('platform.view.list', { entity: name }, signal),
    enabled: may,
    staleTime: 60_000,
  });
  const views = kept.data?.views ?? [];
  const current = views.find((view) => view.view === Number(search.view));
  const address = writeAddress(search);
  const changed = current ? !sameAddress(current.address, address) : address !== '';
  const filters = entity.view?.filters ?? [];

  const again = () => client.invalidateQueries({ queryKey: keys.views(name) });
  const keep = async (input: { view?: number; name: string; shared: boolean }) => {
    const answer = await api.operate('platform.view.keep', { entity: name, address, ...input }, newKey());
    await again();
    return Number(answer.view);
  };
  const forget = async (view: number) => {
    await api.operate('platform.view.forget', { view }, newKey());
    await again();
  };

  const tab = (key: string, label: string, target: ListSearch, on: boolean, shared = false) => (
    <li key={key}>
      <Link to="/e/$entity" params={{ entity: name }} search={target} className="tab" data-on={on || undefined}
        activeOptions={{ exact: true, includeSearch: true }} activeProps={{ 'aria-current': on ? 'true' : undefined }} inactiveProps={{ 'aria-current': on ? 'true' : undefined }}>
        {label}{shared ? <span className="hidden-text"> {t('views.shared')}</span> : null}
      </Link>
    </li>
  );
  return (
    <div className="tabs">
      <ul aria-label={t('views.label')}>
        {tab('all', t('list.all'), {}, !current && !search.filter)}
        {filters.map((filter) => tab(filter.key, filter.label, { filter: filter.key }, !current && search.filter === filter.key))}
        {views.map((view) => tab(String(view.view), view.name, { ...readAddress(view.address), view: String(view.view) }, current === view, view.shared))}
      </ul>
      {current?.own ? (
        <Menu position="bottom-start" width={240}>
          <Menu.Target><IconButton icon="dots" size={26} label={t('views.menu', { name: current.name })} /></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item disabled={!changed} onClick={() => void keep({ view: current.view, name: current.name, shared: current.shared })}>{t('views.update')}</Menu.Item>
            <Menu.Item onClick={() => void api.operate('platform.view.keep', { ...current, entity: name, shared: !current.shared, own: undefined }, newKey()).then(again)}>
              {t(current.shared ? 'views.unshare' : 'views.share')}
            </Menu.Item>
            <Menu.Item color="red.8" onClick={() => void forget(current.view)}>{t('views.forget')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : null}
      {may && changed ? <Keep name={name} search={search} onKeep={keep} /> : null}
    </div>
  );
}

function Keep({ name, search, onKeep }: { name: string; search: ListSearch; onKeep: (input: { name: string; shared: boolean }) => Promise<number> }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const [title, setTitle] = useState('');
  const [shared, setShared] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const view = await onKeep({ name: title.trim(), shared });
      setOpen(false);
      const { router } = await import('../../app/router');
      await router.navigate({ to: '/e/$entity', params: { entity: name }, search: { ...search, view: String(view) }, replace: true });
    } catch (failed) {
      const problem = asProblem(failed);
      setError(problem.errors?.[0]?.message ?? problem.detail ?? problem.title);
    }
  };
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={280} trapFocus returnFocus withRoles>
      <Popover.Target>
        <button type="button" className="tab-keep" onClick={() => setOpen(!open)}><Icon name="plus" size={12} /> {t('views.keep')}</button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('views.keep')}>
        <form className="where-form" onSubmit={(event) => void submit(event)} noValidate>
          <label>
            <span className="dim small">{t('views.name')}</span>
            <input className="input" data-autofocus maxLength={60} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
          </label>
          <label className="check-line"><input type="checkbox" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} /> {t('views.forAll')}</label>
          {error ? <span className="field-error" role="alert">{error}</span> : null}
          <Button type="submit" disabled={!title.trim()}>{t('form.save')}</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
