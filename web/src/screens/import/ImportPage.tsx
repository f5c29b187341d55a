// Bringing a file into a list: pick it, see where its columns go and what becomes of its cells, run it, watch it, take it back.
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Entity, ImportOptions, ImportReport, ImportRun, ImportTold, StoredFile } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import { Icon } from '../../design/icons';
import { Failed, LinkButton, Skeleton } from '../../design/parts';
import { useI18n, useT } from '../../i18n';
import { useMeta } from '../../registry';
import './import.css';

/** States in which the server works on it. */
const WORKING = ['checking', 'running', 'undoing'];

const SAID = {
  checking: 'import.state.checking',
  running: 'import.state.running',
  done: 'import.state.done',
  refused: 'import.state.refused',
  stopped: 'import.state.stopped',
  undoing: 'import.state.undoing',
  undone: 'import.state.undone',
} as const;

export function ImportPage() {
  const { entity } = useParams({ from: '/workspace/e/$entity/import' });
  const search = useSearch({ from: '/workspace/e/$entity/import' });
  const t = useT();
  const shown = useMeta().entities[entity];
  if (!shown?.rights.create || shown.append_only) return <NotFound />;
  return (
    <div className="page">
      <header className="page-head">
        <h1>{t('import.title', { entity: shown.plural })}</h1>
        <span className="grow" />
        <LinkButton to="/e/$entity" params={{ entity }} variant="default">{shown.plural}</LinkButton>
      </header>
      <div className="page-body import">
        {search.run ? <Run key={search.run} entity={entity} id={Number(search.run)} /> : <Choose key={entity} name={entity} entity={shown} />}
      </div>
    </div>
  );
}

function Problem({ error }: { error: unknown }) {
  const problem = asProblem(error);
  const all = problem.errors?.map((each) => each.message) ?? [];
  return <p role="alert" className="field-error">{all.length ? all.join(' ') : problem.detail ?? problem.title}</p>;
}

function Choose({ name, entity }: { name: string; entity: Entity }) {
  const t = useT();
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<StoredFile | null>(null);
  const [options, setOptions] = useState<ImportOptions>({});
  const upload = useMutation({
    mutationFn: (chosen: File) => api.upload(chosen),
    onSuccess: (stored) => {
      setOptions({});
      setFile(stored);
    },
  });
  const preview = useQuery({
    queryKey: ['import', name, file?.id, options],
    queryFn: ({ signal }) => api.importPreview({ file: file!.id, entity: name, options }, signal),
    enabled: file !== null,
    placeholderData: (before) => before,
    retry: false,
  });
  const start = useMutation({
    mutationFn: (again: boolean) => api.importStart({ file: file!.id, entity: name, options, again }, newKey()),
    onSuccess: ({ import: run }) => void navigate({ to: '/e/$entity/import', params: { entity: name }, search: { run: String(run) } }),
  });
  const report = file ? preview.data?.import : undefined;
  const done = start.isError && asProblem(start.error).code === 'import_done';
  return (
    <>
      <p className="dim">{t('import.help')}</p>
      <div className="row-of-buttons">
        <Button variant={file ? 'default' : 'filled'} loading={upload.isPending} leftSection={<Icon name="paperclip" size={14} />} onClick={() => input.current?.click()}>
          {t('import.pick')}
        </Button>
        <input ref={input} type="file" accept=".csv,.xlsx,.txt" hidden aria-label={t('import.pick')}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            if (chosen) upload.mutate(chosen);
            event.currentTarget.value = '';
          }} />
        {file ? <span>{file.name}</span> : null}
        {report?.file.kind === 'xlsx' && (report.file.sheets?.length ?? 0) > 1 ? (
          <label className="group-by">
            <span className="dim small">{t('import.sheet')}</span>
            <select className="input" value={options.sheet ?? report.file.sheet} onChange={(event) => setOptions({ sheet: event.currentTarget.value })}>
              {report.file.sheets!.map((sheet) => <option key={sheet}>{sheet}</option>)}
            </select>
          </label>
        ) : null}
        {report?.file.encoding === 'windows-1250' ? <span className="dim small">{t('import.codePage')}</span> : null}
      </div>
      {upload.isError ? <Problem error={upload.error} /> : null}
      {file && preview.isLoading ? <Skeleton rows={5} /> : null}
      {file && preview.isError ? <Problem error={preview.error} /> : null}
      {report ? (
        <>
          <Columns report={report} options={options} onChange={setOptions} />
          <Told report={report} />
          <div className="row-of-buttons">
            <Button data-primary loading={start.isPending} disabled={report.errors > 0 || preview.isFetching || preview.isError} onClick={() => start.mutate(false)}>
              {report.whole ? t('import.run', { count: report.records }) : t('import.runAll')}
            </Button>
            {done ? <Button variant="default" onClick={() => start.mutate(true)}>{t('import.again')}</Button> : null}
            <span className="dim small">
              {report.errors > 0 ? t('import.fix') : t('import.counts', { creates: report.creates, changes: report.changes })}
              {report.whole ? '' : ` ${t('import.first', { count: report.records })}`}
            </span>
          </div>
          {start.isError ? <Problem error={start.error} /> : null}
        </>
      ) : null}
      <Earlier name={name} entity={entity} />
    </>
  );
}

function Columns({ report, options, onChange }: { report: ImportReport; options: ImportOptions; onChange: (options: ImportOptions) => void }) {
  const t = useT();
  const fields = report.fields ?? [];
  const put = (column: string, field: string) => onChange({ ...options, columns: { ...options.columns, [column]: field || null } });
  const keys = report.columns.filter((column) => column.field && !column.field.includes('.'));
  return (
    <>
      <div className="table-scroll">
        <table className="plain">
          <thead><tr><th>{t('import.column')}</th><th>{t('import.field')}</th><th>{t('import.why')}</th></tr></thead>
          <tbody>
            {report.columns.map((column, at) => (
              <tr key={`${at}:${column.column}`}>
                <td>{column.column}</td>
                <td>
                  <select className="input" aria-label={t('import.goesTo', { column: column.column })} disabled={!column.column}
                    value={column.field ?? ''} onChange={(event) => put(column.column, event.currentTarget.value)}>
                    <option value="">{t('import.leave')}</option>
                    {column.field && !fields.some((field) => field.field === column.field) ? <option value={column.field}>{column.label}</option> : null}
                    {fields.map((field) => <option key={field.field} value={field.field}>{field.label}</option>)}
                  </select>
                </td>
                <td className="dim small">{column.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <label className="group-by">
        <span className="dim small">{t('import.key')}</span>
        <select className="input" value={options.key ?? ''} onChange={(event) => onChange({ ...options, key: event.currentTarget.value || undefined })}>
          <option value="">{t('import.noKey')}</option>
          {keys.map((column) => <option key={column.field} value={column.field!}>{column.label}</option>)}
        </select>
      </label>
    </>
  );
}

function Lines({ told }: { told: ImportTold }) {
  const t = useT();
  const more = told.count > told.lines.length ? ', …' : '';
  return <span className="dim small num">{t('import.lines', { count: told.count, lines: told.lines.join(', ') + more })}</span>;
}

/** What is coerced, what is wrong, what is remarked. */
function Told({ report }: { report: ImportReport }) {
  const t = useT();
  return (
    <>
      {report.problems.length ? (
        <section>
          <h2>{t('import.problems', { count: report.errors })}</h2>
          <ul className="import-told">
            {report.problems.map((told) => (
              <li key={`${told.code}:${told.field}`}>
                <strong>{told.column ?? told.label}</strong> {told.message} {told.values.length ? <q>{told.values.join(' · ')}</q> : null} <Lines told={told} />
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {report.coercions.length ? (
        <section>
          <h2>{t('import.coercions')}</h2>
          <ul className="import-told">
            {report.coercions.map((told) => (
              <li key={`${told.kind}:${told.column}`}><strong>{told.column}</strong> {told.message} <span className="dim small num">{told.count}×</span></li>
            ))}
          </ul>
        </section>
      ) : null}
      {report.remarks.length ? (
        <section>
          <h2>{t('import.remarks')}</h2>
          <ul className="import-told">
            {report.remarks.map((told) => <li key={`${told.code}:${told.field}`}><strong>{told.column ?? told.label}</strong> {told.message} <Lines told={told} /></li>)}
          </ul>
        </section>
      ) : null}
    </>
  );
}

function Run({ entity, id }: { entity: string; id: number }) {
  const t = useT();
  const client = useQueryClient();
  const state = useQuery({
    queryKey: ['import', 'run', id],
    queryFn: ({ signal }) => api.importShow(id, signal),
    refetchInterval: (query) => (!query.state.data || WORKING.includes(query.state.data.import.state) ? 700 : false),
  });
  const act = useMutation({
    mutationFn: (what: 'stop' | 'undo') => api.operate(`sys.import.${what}`, { import: id }, newKey()),
    onSettled: () => void client.invalidateQueries({ queryKey: ['import', 'run', id] }),
  });
  const [sure, setSure] = useState(false);
  if (state.isLoading) return <Skeleton rows={4} />;
  if (!state.data) return <Failed error={state.error} retry={() => void state.refetch()} />;
  const run = state.data.import;
  const report = run.report;
  const working = WORKING.includes(run.state);
  const refused = [...(report?.failed ?? []), ...(report?.kept ?? [])];
  return (
    <>
      <p role="status"><strong>{run.name}</strong>: {t(SAID[run.state])}</p>
      {working ? <progress className="import-bar" aria-label={run.name} max={run.total ?? undefined} value={run.total ? (run.state === 'undoing' ? run.undone + run.kept : run.done) : undefined} /> : null}
      <p className="num">{run.state === 'undone' || run.state === 'undoing' ? t('import.undone', { undone: run.undone, kept: run.kept }) : t('import.figures', { created: run.created, changed: run.changed, failed: run.failed })}</p>
      {report?.error ? <p role="alert" className="field-error">{report.error.message}</p> : null}
      {refused.length ? <ul className="import-told">{refused.map((row, at) => <li key={at}><span className="num">{row.line}</span> {row.message}</li>)}</ul> : null}
      {run.state === 'refused' && report?.problems ? <Told report={report} /> : null}
      <div className="row-of-buttons">
        {run.state === 'checking' || run.state === 'running' ? <Button variant="default" onClick={() => act.mutate('stop')}>{t('import.stop')}</Button> : null}
        {(run.state === 'done' || run.state === 'stopped') && run.created + run.changed > 0 ? (
          sure ? (
            <Button color="red" loading={act.isPending} onClick={() => act.mutate('undo')}>{t('import.undoSure', { count: run.created + run.changed })}</Button>
          ) : (
            <Button variant="default" onClick={() => setSure(true)}>{t('import.undo')}</Button>
          )
        ) : null}
        {working ? null : <LinkButton to="/e/$entity/import" params={{ entity }} search={{}} variant="default">{t('import.another')}</LinkButton>}
      </div>
      {act.isError ? <Problem error={act.error} /> : null}
    </>
  );
}

/** One's own earlier imports into this list. */
function Earlier({ name, entity }: { name: string; entity: Entity }) {
  const { t, locale } = useI18n();
  const mine = useQuery({ queryKey: ['import', 'mine', name], queryFn: ({ signal }) => api.importMine(name, signal) });
  const all: ImportRun[] = mine.data?.imports ?? [];
  if (!all.length) return null;
  return (
    <section aria-label={t('import.earlier', { entity: entity.plural })}>
      <h2>{t('import.earlier', { entity: entity.plural })}</h2>
      <ul className="import-told">
        {all.map((run) => (
          <li key={run.id}>
            <Link to="/e/$entity/import" params={{ entity: name }} search={{ run: String(run.id) }}>{run.name}</Link>{' '}
            <span className="dim small">{t(SAID[run.state])} · {new Date(run.at).toLocaleString(locale)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
