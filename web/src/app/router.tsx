import {
  createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect,
} from '@tanstack/react-router';
import { SignIn } from '../screens/SignIn';
import { NotFound, Broken } from './Fallbacks';
import { Workspace } from './Workspace';

const text = (value: unknown): string | undefined =>
  value === undefined || value === null || value === '' ? undefined : String(value);

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: Broken });

const signin = createRoute({
  getParentRoute: () => root,
  path: '/signin',
  validateSearch: (search: Record<string, unknown>): { to?: string; done?: string } => ({
    to: text(search.to),
    done: text(search.done),
  }),
  component: SignIn,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search: Record<string, unknown>): { token?: string } => ({ token: text(search.token) }),
  component: lazyRouteComponent(() => import('../screens/Setup'), 'Setup'),
});

const workspace = createRoute({ getParentRoute: () => root, id: 'workspace', component: Workspace });

const home = createRoute({
  getParentRoute: () => workspace,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/inbox', replace: true });
  },
});

const inbox = createRoute({
  getParentRoute: () => workspace,
  path: '/inbox',
  component: lazyRouteComponent(() => import('../screens/inbox/Inbox'), 'Inbox'),
});

const step = createRoute({
  getParentRoute: () => workspace,
  path: '/inbox/$task',
  component: lazyRouteComponent(() => import('../screens/inbox/Inbox'), 'Inbox'),
});

export interface ListSearch {
  q?: string;
  filter?: string;
  sort?: string;
  /** A filter that a figure brought along, as the interface takes it. */
  just?: string;
  /** Conditions that a person added (views/list/where.ts). */
  where?: string;
  group?: string;
  totals?: string;
  /** Columns and their widths, and how many of them stay (views/list/columns.ts). */
  cols?: string;
  fixed?: string;
  /** A kept view. */
  view?: string;
  /** How records are drawn: rows where nothing is said. */
  shape?: string;
  /** By which field a board, a calendar or a pivot is laid out, across which, and what is added up. */
  by?: string;
  across?: string;
  measure?: string;
}

const LIST_SEARCH = ['q', 'filter', 'just', 'sort', 'where', 'group', 'totals', 'cols', 'fixed', 'view', 'shape', 'by', 'across', 'measure'] as const;

const list = createRoute({
  getParentRoute: () => workspace,
  path: '/e/$entity',
  validateSearch: (search: Record<string, unknown>): ListSearch => Object.fromEntries(LIST_SEARCH.map((key) => [key, text(search[key])])),
  component: lazyRouteComponent(() => import('../views/list/ListPage'), 'ListPage'),
});

const create = createRoute({
  getParentRoute: () => workspace,
  path: '/e/$entity/new',
  validateSearch: (search: Record<string, unknown>): { set?: string } => ({ set: text(search.set) }),
  component: lazyRouteComponent(() => import('../views/form/FormPage'), 'NewPage'),
});

const bringIn = createRoute({
  getParentRoute: () => workspace,
  path: '/e/$entity/import',
  validateSearch: (search: Record<string, unknown>): { run?: string } => ({ run: text(search.run) }),
  component: lazyRouteComponent(() => import('../screens/import/ImportPage'), 'ImportPage'),
});

const page = createRoute({
  getParentRoute: () => workspace,
  path: '/p/$operation',
  validateSearch: (search: Record<string, unknown>): Record<string, string | undefined> =>
    Object.fromEntries(Object.entries(search).map(([name, value]) => [name, text(value)])),
  component: lazyRouteComponent(() => import('../views/operation/AnswerPage'), 'AnswerPage'),
});

// A build that people use has no gallery: the bundler leaves it out.
const gallery = import.meta.env.DEV
  ? [createRoute({ getParentRoute: () => workspace, path: '/_/gallery', component: lazyRouteComponent(() => import('../screens/Gallery'), 'Gallery') })]
  : [];

const record = createRoute({
  getParentRoute: () => workspace,
  path: '/e/$entity/$id',
  component: lazyRouteComponent(() => import('../views/form/FormPage'), 'RecordPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([signin, setup, workspace.addChildren([home, inbox, step, page, list, create, bringIn, record, ...gallery])]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  scrollToTopSelectors: ['#main'],
  // The address holds plain words: no JSON in it.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const query = new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString();
    return query ? `?${query}` : '';
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
