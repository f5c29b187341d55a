import { Drawer, Menu, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { api } from '../api/client';
import { Icon, Mark } from '../design/icons';
import { IconButton } from '../design/parts';
import { useI18n, useT } from '../i18n';
import { areaOf, useMeta } from '../registry';
import { keys } from '../registry/keys';
import { useConnected, useLive } from './live';
import { Notices } from './Notices';
import { visited } from './recent';
import { SchemeButton } from './SchemeButton';
import './shell.css';
import { readDensity, setDensity } from './density';
import { readStored, store } from './storage';
import { ShortcutMap } from './ShortcutMap';
import { useShortcuts } from './shortcuts';

/** The palette comes with the first key that asks for it. */
const Palette = lazy(() => import('./Palette').then(({ Palette: component }) => ({ default: component })));

export function Shell({ children }: { children: ReactNode }) {
  const t = useT();
  const [narrow, narrowing] = useDisclosure(readStored('celek.nav') === 'narrow');
  const [drawer, drawing] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  useLive();
  const [keyMap, mapping] = useDisclosure(false);
  const [palette, setPalette] = useState<'all' | 'make' | null>(null);
  const next = useNextStep();
  // When there is time, so that the first key finds it.
  useEffect(() => {
    const later = setTimeout(() => void import('./Palette'), 1500);
    return () => clearTimeout(later);
  }, []);
  useShortcuts({ onMap: mapping.open, onPalette: () => setPalette('all'), onNext: () => void next() });

  useEffect(() => drawing.close(), [path]); // eslint-disable-line react-hooks/exhaustive-deps

  const toggle = () => {
    if (window.matchMedia('(max-width: 62em)').matches) drawing.toggle();
    else {
      store('celek.nav', narrow ? null : 'narrow');
      narrowing.toggle();
    }
  };

  return (
    <>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        {t('app.skip')}
      </a>
      <div className="shell" data-narrow={narrow}>
        <nav className="shell-nav" aria-label={t('nav.label')} aria-hidden={narrow || undefined}>
          <Navigation />
        </nav>
        <header className="shell-head">
          <IconButton icon="menu" label={t('nav.menu')} onClick={toggle} aria-expanded={drawer || !narrow} />
          <Breadcrumb />
          <Offline />
          <search className="shell-search">
            <button type="button" className="search-button" data-search="global" aria-keyshortcuts="Control+K" onClick={() => setPalette('all')}>
              <Icon name="search" size={15} /> <span className="grow">{t('search.placeholder')}</span> <kbd aria-hidden="true">Ctrl K</kbd>
            </button>
          </search>
          <IconButton icon="plus" label={t('search.make')} onClick={() => setPalette('make')} />
          <Notices />
          <SchemeButton />
          <UserMenu />
        </header>
        <main className="shell-main" id="main" ref={main} tabIndex={-1}>
          {children}
        </main>
      </div>
      {palette ? (
        <Suspense>
          <Palette making={palette === 'make'} onNext={() => void next()} onClose={() => setPalette(null)} />
        </Suspense>
      ) : null}
      {keyMap ? <ShortcutMap onClose={mapping.close} /> : null}
      <Drawer opened={drawer} onClose={drawing.close} size={280} padding={0} withCloseButton={false} title={t('nav.label')}
        styles={{ header: { display: 'none' }, body: { height: '100%', background: 'var(--surface-2)' } }}>
        {/* A link to where one already is closes it too. */}
        <nav aria-label={t('nav.label')} onClick={(event) => { if ((event.target as HTMLElement).closest('a')) drawing.close(); }}>
          <Navigation />
        </nav>
      </Drawer>
    </>
  );
}

/** To the step that is the most urgent for this person; the order of the inbox says which that is. */
function useNextStep(): () => Promise<void> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useCallback(async () => {
    const inbox = await client.fetchQuery({ queryKey: keys.inbox, queryFn: ({ signal }) => api.inbox(signal), staleTime: 2_000 });
    const first = inbox.tasks[0];
    if (first) await navigate({ to: '/inbox/$task', params: { task: String(first.id) } });
    else await navigate({ to: '/inbox' });
  }, [client, navigate]);
}

/** Areas that this person folded away. */
function useFolded(): [Set<string>, (key: string) => void] {
  const [folded, setFolded] = useState(() => new Set((readStored('celek.folded') ?? '').split(' ').filter(Boolean)));
  const toggle = (key: string) => {
    const next = new Set(folded);
    if (!next.delete(key)) next.add(key);
    store('celek.folded', [...next].join(' ') || null);
    setFolded(next);
  };
  return [folded, toggle];
}

function Navigation() {
  const t = useT();
  const meta = useMeta();
  const inbox = useQuery({ queryKey: keys.inbox, queryFn: ({ signal }) => api.inbox(signal), staleTime: 30_000 });
  const count = inbox.data?.tasks.length ?? 0;
  const [folded, toggle] = useFolded();
  const list = useRef<HTMLDivElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // Where one is stands in sight, also at the end of a long navigation.
  useEffect(() => {
    list.current?.querySelector('.nav-link[data-status="active"]')?.scrollIntoView({ block: 'nearest' });
  }, [path]);
  return (
    <>
      <div className="shell-brand">
        <Mark />
        <span className="ellipsis" title={meta.company.name}>{meta.company.name}</span>
      </div>
      <div className="nav-scroll" ref={list}>
        <ul className="nav-list">
          <li>
            <Link to="/inbox" className="nav-link" activeOptions={{ exact: false }}>
              <Icon name="inbox" />
              {t('nav.inbox')}
              {count > 0 ? <span className="count num" aria-label={t('inbox.count', { count })}>{count}</span> : null}
            </Link>
          </li>
        </ul>
        {meta.areas.map((area) => {
          const entities = area.entities.filter((name) => meta.entities[name]?.rights.read);
          const pages = (area.operations ?? []).filter((name) => meta.operations[name]);
          if (entities.length === 0 && pages.length === 0) return null;
          return (
            <div key={area.key} role="group" aria-labelledby={`area-${area.key}`}>
              <h2 className="nav-area" id={`area-${area.key}`}>
                <button type="button" aria-expanded={!folded.has(area.key)} onClick={() => toggle(area.key)}>
                  {area.label} <Icon name={folded.has(area.key) ? 'chevronRight' : 'chevronDown'} size={12} />
                </button>
              </h2>
              <ul className="nav-list" hidden={folded.has(area.key)}>
                {pages.map((name) => (
                  <li key={name}>
                    <Link to="/p/$operation" params={{ operation: name }} className="nav-link" activeOptions={{ includeSearch: false }}>
                      <span className="ellipsis">{meta.operations[name]!.label}</span>
                    </Link>
                  </li>
                ))}
                {entities.map((name) => (
                  <li key={name}>
                    <Link to="/e/$entity" params={{ entity: name }} className="nav-link" activeOptions={{ includeSearch: false }}>
                      <span className="ellipsis">{meta.entities[name]!.plural}</span>
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
      </div>
    </>
  );
}

/** Area / list / record: where this screen stands. */
function Breadcrumb() {
  const t = useT();
  const meta = useMeta();
  const parameters = useParams({ strict: false }) as { entity?: string; id?: string; operation?: string };
  const path = useRouterState({ select: (state) => state.location.pathname });
  const entity = parameters.entity ? meta.entities[parameters.entity] : undefined;
  const record = useQuery<{ _title?: string }>({
    queryKey: keys.record(parameters.entity ?? '', Number(parameters.id)),
    queryFn: skipToken,
  });
  const isNew = path.endsWith('/new');
  const last = isNew ? t('list.new') : parameters.id ? record.data?._title ?? `#${parameters.id}` : null;
  const shown = parameters.operation ? meta.operations[parameters.operation]?.label : undefined;
  const title = entity ? last ?? entity.plural : shown ?? t('inbox.title');

  useEffect(() => {
    document.title = `${title} · ${meta.company.name}`;
  }, [title, meta.company.name]);
  const shownTitle = record.data?._title;
  useEffect(() => {
    if (parameters.entity && parameters.id && shownTitle) visited(meta.user.id, { entity: parameters.entity, id: Number(parameters.id), title: shownTitle });
  }, [parameters.entity, parameters.id, shownTitle, meta.user.id]);

  return (
    <nav className="crumbs" aria-label={t('nav.breadcrumb')}>
      {entity ? (
        <>
          <span className="crumb-area">{areaOf(meta, parameters.entity!)?.label}</span>
          {areaOf(meta, parameters.entity!) ? <Icon name="chevronRight" size={12} /> : null}
          {last ? (
            <>
              <Link to="/e/$entity" params={{ entity: parameters.entity! }}>{entity.plural}</Link>
              <Icon name="chevronRight" size={12} />
              <span aria-current="page" className="ellipsis">{last}</span>
            </>
          ) : (
            <span aria-current="page" className="ellipsis">{entity.plural}</span>
          )}
        </>
      ) : (
        <span aria-current="page">{shown ?? t('inbox.title')}</span>
      )}
    </nav>
  );
}

function Offline() {
  const t = useT();
  const connected = useConnected();
  return (
    <div role="status">
      {connected ? null : (
        <span className="offline" title={t('app.offline')}>
          <Icon name="cloudOff" />
          <span>{t('app.offline')}</span>
        </span>
      )}
    </div>
  );
}

function UserMenu() {
  const { t, language, choose, settle } = useI18n();
  const meta = useMeta();
  const client = useQueryClient();
  const navigate = useNavigate();
  const initials = meta.user.name.split(/\s+/).map((word) => word[0]).join('').slice(0, 2).toUpperCase();

  // The screens change at once; the person's own setting follows, so that letters, other browsers and the inbox agree.
  const speak = (code: string) => {
    choose(code);
    void api.setUserLanguage(code).then(
      () => {
        settle(code);
        return client.invalidateQueries({ queryKey: keys.session });
      },
      // Where it could not be kept, it holds in this browser.
      () => {},
    );
  };

  const signOut = async () => {
    await api.signOut().catch(() => {});
    client.clear();
    await navigate({ to: '/signin' });
  };

  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton title={meta.user.name} style={{ borderRadius: 20 }}>
          <span className="avatar">{initials}</span>
          <span className="hidden-text">{t('user.menu', { name: meta.user.name })}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{meta.user.name}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t('user.language')}</Menu.Label>
        {meta.languages.map(({ code, name }) => (
          <Menu.Item key={code} lang={code} onClick={() => speak(code)} aria-current={code === language || undefined}
            rightSection={code === language ? <Icon name="check" /> : null}>
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t('user.density')}</Menu.Label>
        {(['comfortable', 'compact'] as const).map((density) => (
          <Menu.Item key={density} onClick={() => setDensity(density)} aria-current={density === readDensity() || undefined}
            rightSection={density === readDensity() ? <Icon name="check" /> : null}>
            {t(density === 'compact' ? 'user.compact' : 'user.comfortable')}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()}>{t('user.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
