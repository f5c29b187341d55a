import type {
  Answer, Draft, Foreseen, HistoryRow, ImportOptions, ImportReport, ImportRun, LinkedDocument, Meta, Page, Problem, Row, Session, StoredFile,
  Task, TaskDetail, Values,
} from './types';

/** A refusal of the server, as it said it: a problem document (RFC 9457). */
export class ApiError extends Error {
  constructor(readonly problem: Problem, readonly offline = false) {
    super(problem.detail ?? problem.title);
    this.name = 'ApiError';
  }
  get status(): number {
    return this.problem.status;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

let language = 'en';
let onSignedOut: () => void = () => {};
let offlineText = 'The server cannot be reached.';

export function setLanguage(code: string, offline: string): void {
  language = code;
  offlineText = offline;
}

export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value));
  }
  search.set('lang', language);
  return `/api/v1/${path}?${search}`;
}

/** Makes a problem document of whatever an answer of the wrong kind holds. */
export function problemFrom(status: number, type: string | null, body: string): Problem {
  if (type?.includes('json')) {
    try {
      const parsed = JSON.parse(body) as Partial<Problem> | null;
      if (parsed && typeof parsed === 'object') {
        return { ...parsed, title: parsed.title ?? `HTTP ${status}`, status: parsed.status ?? status };
      }
    } catch {
      // Not JSON after all: said below.
    }
  }
  return { title: `HTTP ${status}`, status };
}

interface Options {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
  let body: BodyInit | undefined;
  if (options.body instanceof FormData) body = options.body;
  else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(address(path, options.query), { method, headers, body, signal: options.signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({ title: offlineText, status: 0 }, true);
  }
  if (!response.ok) {
    const problem = problemFrom(response.status, response.headers.get('content-type'), await response.text());
    if (response.status === 401 && path !== 'session') onSignedOut();
    throw new ApiError(problem);
  }
  return response;
}

async function call<T>(method: string, path: string, options?: Options): Promise<T> {
  const response = await send(method, path, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : {}) as T;
}

const entity = (name: string, rest = '') => `entities/${encodeURIComponent(name)}${rest}`;
const operation = (name: string) => `operations/${encodeURIComponent(name)}`;

export interface ListQuery {
  filter?: unknown;
  sort?: string | null;
  q?: string;
  after?: string | null;
  limit?: number;
  count?: boolean;
  group?: string;
  sum?: string;
}

export function listQuery(query: ListQuery): Query {
  return {
    filter: query.filter === undefined || query.filter === null ? undefined : JSON.stringify(query.filter),
    sort: query.sort,
    q: query.q,
    after: query.after,
    limit: query.limit,
    count: query.count ? 1 : undefined,
    group: query.group,
    sum: query.sum,
    titles: 1,
  };
}

export const api = {
  session: () => call<Session>('GET', 'session'),
  signIn: (user: string, password: string) => call<Session>('POST', 'session', { body: { user, password } }),
  signOut: () => call<unknown>('DELETE', 'session'),
  setup: (body: Values) => call<unknown>('POST', 'setup', { body }),
  meta: (signal?: AbortSignal) => call<Meta>('GET', 'meta', { signal }),

  list: (name: string, query: ListQuery, signal?: AbortSignal) =>
    call<Page>('GET', entity(name), { query: listQuery(query), signal }),
  file: (name: string, query: ListQuery, format: 'csv' | 'xlsx', fields?: string[]) =>
    address(entity(name), { ...listQuery({ ...query, limit: undefined, after: undefined }), format, fields: fields?.join(',') }),
  record: (name: string, id: number, signal?: AbortSignal) =>
    call<Row>('GET', entity(name, `/${id}`), { query: { operations: 1, titles: 1 }, signal }),
  create: (name: string, body: Values, key: string) =>
    call<{ id: number; rev: number }>('POST', entity(name), { body, headers: { 'Idempotency-Key': key } }),
  change: (name: string, id: number, rev: number, body: Values, key: string) =>
    call<{ id: number; rev: number }>('PATCH', entity(name, `/${id}`), {
      body,
      headers: { 'If-Match': `"${rev}"`, 'Idempotency-Key': key },
    }),
  remove: (name: string, id: number) => call<unknown>('DELETE', entity(name, `/${id}`)),
  draft: (name: string, body: Values, signal?: AbortSignal) =>
    call<Draft>('POST', entity(name, '/draft'), { body, signal }),
  history: (name: string, id: number, after: string | null, signal?: AbortSignal) =>
    call<{ rows: HistoryRow[]; next: string | null }>('GET', entity(name, `/${id}/history`), { query: { after, limit: 20 }, signal }),
  panel: (name: string, id: number, key: string, signal?: AbortSignal) =>
    call<Page>('GET', entity(name, `/${id}/panels/${encodeURIComponent(key)}`), { query: { titles: 1 }, signal }),
  links: (name: string, id: number, signal?: AbortSignal) =>
    call<{ rows: LinkedDocument[] }>('GET', entity(name, `/${id}/links`), { signal }),
  attachments: (name: string, id: number, signal?: AbortSignal) =>
    call<{ rows: StoredFile[] }>('GET', entity(name, `/${id}/attachments`), { signal }),
  upload: (file: File, name?: string, id?: number) => {
    const form = new FormData();
    // The small fields first: a server that streams the file then knows where it belongs.
    if (name) form.set('entity', name);
    if (id !== undefined) form.set('id', String(id));
    form.set('file', file);
    return call<StoredFile>('POST', 'files', { body: form });
  },
  fileAddress: (id: number) => address(`files/${id}`),

  operate: (name: string, input: Values, key: string) =>
    call<Answer>('POST', operation(name), { body: input, headers: { 'Idempotency-Key': key } }),
  /** What an operation would do: it is done and taken back. */
  preview: (name: string, input: Values, signal?: AbortSignal) =>
    call<Answer & { _dry_run?: { changes: Foreseen[] } }>('POST', operation(name), { query: { dry_run: 1 }, body: input, signal }),
  read: <T>(name: string, input: Query, signal?: AbortSignal) =>
    call<T>('GET', operation(name), { query: input, signal }),
  importPreview: (input: { file: number; entity: string; options: ImportOptions }, signal?: AbortSignal) =>
    call<{ import: ImportReport }>('POST', operation('sys.import.preview'), { body: input as unknown as Values, signal }),
  importStart: (input: { file: number; entity: string; options: ImportOptions; again: boolean }, key: string) =>
    call<{ import: number }>('POST', operation('sys.import.start'), { body: input as unknown as Values, headers: { 'Idempotency-Key': key } }),
  importShow: (id: number, signal?: AbortSignal) =>
    call<{ import: ImportRun }>('GET', operation('sys.import.show'), { query: { import: id }, signal }),
  importMine: (name: string, signal?: AbortSignal) =>
    call<{ imports: ImportRun[] }>('GET', operation('sys.import.mine'), { query: { entity: name }, signal }),
  readAddress: (name: string, input: Query) => address(operation(name), input),

  setUserLanguage: (language: string) =>
    call<Answer>('POST', operation('platform.user.set_language'), { body: { language } }),

  inbox: (signal?: AbortSignal) => call<{ tasks: Task[] }>('GET', operation('process.inbox.mine'), { signal }),
  task: (id: number, signal?: AbortSignal) =>
    call<TaskDetail>('GET', operation('process.task.show'), { query: { task: id }, signal }),

  eventsAddress: () => '/api/v1/events',
};

export function asProblem(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { title: error instanceof Error ? error.message : String(error), status: 0 };
}

/** One key for one click: it is kept when the same click is sent again. crypto.randomUUID needs a secure page. */
export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
