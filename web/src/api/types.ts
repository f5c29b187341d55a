// The shapes of the HTTP contract (docs/api.md). Nothing here names an entity of the business.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Values = Record<string, unknown>;

export type Kind =
  | 'text' | 'long_text' | 'email' | 'phone' | 'country' | 'language' | 'choice' | 'date' | 'time' | 'timestamp'
  | 'int' | 'duration' | 'ref' | 'dec' | 'money' | 'bool' | 'any_ref' | 'many' | 'lines' | 'list' | 'json' | 'file';

export type Colour = 'grey' | 'blue' | 'green' | 'amber' | 'red';

export interface Choice {
  value: string;
  label: string;
  colour?: Colour | null;
}

export interface Field {
  name: string;
  label: string;
  help?: string | null;
  kind: Kind;
  to?: string | null;
  required?: boolean;
  by_operation?: boolean;
  read_only?: boolean;
  default?: unknown;
  role?: string | null;
  scale?: number | null;
  max?: number | null;
  choices?: Choice[] | null;
  sorted?: boolean;
  searchable?: boolean;
  custom?: boolean;
  /** Only of kind `list` in operations. */
  fields?: Field[] | null;
}

export interface Column {
  field: string;
  width?: number | null;
  priority?: number | null;
}

export interface Card {
  title?: string | null;
  subtitle?: string | null;
  badge?: string | null;
  amount?: string | null;
  date?: string | null;
}

export interface View {
  list?: Column[];
  card?: Card | null;
  sections?: { key: string; label: string; fields: string[] }[];
  more?: string[];
  lines?: Record<string, string[]>;
  operations?: string[];
  filters?: { key: string; label: string; filter: unknown }[];
  sort?: string | null;
  group?: string | null;
  empty?: string | null;
}

export interface Panel {
  key: string;
  label: string;
  entity: string;
  columns: string[];
  sums?: string[];
  /** The way from its records to this one: the name of a reference, where that is all. */
  path?: string | null;
  /** What narrows it further. */
  filter?: unknown;
}

export interface Entity {
  label: string;
  plural: string;
  help?: string | null;
  title?: string | null;
  status?: string | null;
  append_only?: boolean;
  rights: { read: boolean; create: boolean; write: boolean; delete: boolean };
  fields: Field[];
  lines?: { name: string; label: string; entity: string; by: string }[];
  operations?: string[];
  view?: View | null;
  panels?: Panel[];
}

export interface Operation {
  label: string;
  help?: string | null;
  on?: string | null;
  target?: string | null;
  when?: string[] | null;
  /** The state in which it leaves its record, as a rule. */
  makes?: string | null;
  button?: number | null;
  read?: boolean;
  dangerous?: boolean;
  inverse?: string | null;
  file?: boolean;
  input: Field[];
  output?: Field[];
}

export interface Meta {
  version: string;
  user: { id: number; login: string; name: string; language: string; roles: string[] };
  company: { id: number; name: string; currency: string; time_zone: string; language: string; demo: boolean };
  languages: { code: string; name: string }[];
  roles: { code: string; label: string }[];
  areas: { key: string; label: string; entities: string[]; operations?: string[] }[];
  entities: Record<string, Entity>;
  operations: Record<string, Operation>;
}

export interface Session {
  user: { id: number; login: string; name: string; language: string } | null;
  company: { id: number; name: string } | null;
  demo: { user: string; name: string; does: string }[];
  setup: boolean;
}

/** What may not be typed into a record, and why it may not be changed at all. */
export interface ReadOnly {
  record: boolean;
  code?: string | null;
  reason?: string | null;
  fields: string[];
  lines: Record<string, string[]>;
}

/** A record, or an owned line: fields by name. A record that is being made has no id yet. */
export interface Row extends Values {
  id?: number;
  rev?: number;
  archived?: boolean;
  _title?: string;
  _titles?: Titles;
  _operations?: Allowed[];
  _read_only?: ReadOnly | null;
}

export type Titles = Record<string, unknown>;

export interface Allowed {
  operation: string;
  allowed: boolean;
  reason?: string | null;
  code?: string | null;
  /** Not allowed, but pressing it tells what would help. */
  remedies?: boolean;
  input?: Values | null;
}

export interface Page {
  rows: Row[];
  next: string | null;
  count?: number;
  /** False where the count is an estimate. */
  count_exact?: boolean;
  /** Not all was looked at for this page. */
  incomplete?: boolean;
  sums?: Values;
}

export interface FieldError {
  field?: string | null;
  code?: string;
  message: string;
}

export interface Action {
  operation: string;
  label: string;
  input: Values;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string | null;
  code?: string;
  errors?: FieldError[];
  actions?: Action[];
  request?: string;
}

/** What a rule has to say and does not refuse. */
export interface Remark {
  field?: string | null;
  code?: string;
  message: string;
  links?: Link[];
}

export interface Draft {
  record: Row;
  provenance?: Record<string, string>;
  errors?: FieldError[];
  notes?: Remark[];
  operations?: Allowed[];
  titles?: Titles;
}

export interface Link {
  entity: string;
  id: number;
  title: string;
}

export interface Outcome {
  message?: string | null;
  links?: Link[];
  next?: Remark[];
}

export type Answer = Values & { _result?: Outcome };

/** What a dry run would have changed of one kind of record. */
export interface Foreseen {
  entity: string;
  label: string;
  kind: 'created' | 'changed' | 'deleted';
  count: number;
  ids: number[];
}

export interface StoredFile {
  id: number;
  name: string;
  media_type: string;
  size: number;
  at?: string;
  by?: unknown;
}

export interface HistoryRow {
  kind?: 'created' | 'changed' | 'archived' | 'restored' | 'deleted' | null;
  at: string;
  actor?: { id: number; name: string } | null;
  operation?: string | null;
  operation_label?: string | null;
  step?: string | null;
  changes: { field: string; label: string; before: unknown; after: unknown; before_title?: string | null; after_title?: string | null }[];
}

export interface LinkedDocument {
  entity: string;
  entity_label: string;
  id: number;
  title: string;
  status?: string | null;
  direction: 'in' | 'out';
}

export interface Task {
  id: number;
  title: string;
  kind: string;
  state: string;
  due?: string | null;
  overdue?: boolean;
  priority?: unknown;
  party?: number | null;
  party_title?: string | null;
  subject?: { entity: string; id: number } | null;
  subject_title?: string | null;
  process?: string | null;
  step?: string | null;
  assignee?: number | null;
  assignee_name?: string | null;
  stands_for?: number | null;
  stands_for_name?: string | null;
  role?: string | null;
}

export interface TaskDetail {
  task: Task & Values;
  instruction?: string | null;
  operation?: string | null;
  operation_label?: string | null;
  operation_input?: Values | null;
  form?: Field[];
  values?: Values;
  why?: string | null;
  next?: string[];
  party?: unknown;
  subject?: unknown;
  steps?: { element: string; name: string; state: 'done' | 'current' | 'ahead' }[];
}

/** What an import is told beside the file (docs/import.md). */
export interface ImportOptions {
  columns?: Record<string, string | null>;
  key?: string;
  sheet?: string;
}

export interface ImportTold {
  code: string;
  field: string;
  label: string;
  column: string | null;
  message: string;
  count: number;
  lines: number[];
  values: string[];
}

export interface ImportReport {
  file: { kind: 'csv' | 'xlsx'; encoding?: string; sheet?: string; sheets?: string[] };
  records: number;
  creates: number;
  changes: number;
  errors: number;
  columns: { column: string; field: string | null; label: string | null; message: string }[];
  coercions: { kind: string; column: string; message: string; count: number }[];
  problems: ImportTold[];
  remarks: ImportTold[];
  /** All of it was looked at. */
  whole?: boolean;
  fields?: { field: string; label: string }[];
  failed?: { line: number; message: string }[];
  kept?: { line: number; message: string }[];
  error?: { code: string; message: string };
}

export interface ImportRun {
  id: number;
  name: string;
  entity: string;
  state: 'checking' | 'running' | 'done' | 'refused' | 'stopped' | 'undoing' | 'undone';
  total: number | null;
  done: number;
  created: number;
  changed: number;
  failed: number;
  undone: number;
  kept: number;
  at: string;
  report: ImportReport | null;
}
