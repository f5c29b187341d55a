import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState, type KeyboardEvent } from 'react';
import { api, asProblem } from '../../api/client';
import { NotFound } from '../../app/Fallbacks';
import type { Field, Values } from '../../api/types';
import { Dialog } from '../../design/Dialog';
import { Icon } from '../../design/icons';
import { Badge, Failed, IconButton, LinkButton, Skeleton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { formatTimestamp } from '../../i18n/format';
import { fieldOf, isEditable, mayType, moreOf, sectionsOf, useMeta, type NamedOperation } from '../../registry';
import { Outcome, Refusal } from '../operation/Outcome';
import { Preview } from '../operation/Preview';
import { useOperation } from '../operation/useOperation';
import { ClashDialog } from './Clash';
import { FieldSlot, Remarks } from './FieldSlot';
import './form.css';
import { LinesGrid } from './LinesGrid';
import { OperationButtons } from './OperationButtons';
import { Rail } from './Rail';
import { useDocument, type Document } from './useDocument';

function readPreset(text: string | undefined): Values | undefined {
  try {
    const preset = text ? (JSON.parse(text) as unknown) : null;
    return preset && typeof preset === 'object' && !Array.isArray(preset) ? (preset as Values) : undefined;
  } catch {
    return undefined;
  }
}

export function NewPage() {
  const { entity } = useParams({ from: '/workspace/e/$entity/new' });
  const { set } = useSearch({ from: '/workspace/e/$entity/new' });
  const meta = useMeta();
  if (!meta.entities[entity]) return <NotFound />;
  return <Form key={entity} name={entity} id={null} preset={readPreset(set)} />;
}

export function RecordPage() {
  const { entity, id } = useParams({ from: '/workspace/e/$entity/$id' });
  const meta = useMeta();
  if (!meta.entities[entity] || !/^\d+$/.test(id)) return <NotFound />;
  return <Form key={`${entity}#${id}`} name={entity} id={Number(id)} />;
}

/** A record that has no number or name yet is told by what it is. */
const named = (title: string | undefined, label: string): string => (title && !title.startsWith('#') ? title : [label, title].filter(Boolean).join(' '));

function Form({ name, id, preset }: { name: string; id: number | null; preset?: Values }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const navigate = useNavigate();
  const document = useDocument(name, id, preset);
  const running = useOperation();
  const [deleting, setDeleting] = useState(false);
  const [preview, setPreview] = useState<{ operation: NamedOperation; input: Values } | null>(null);
  const { entity, values, dirty } = document;

  if (document.stored.isError && !document.base) {
    return (
      <Failed error={document.stored.error} retry={() => void document.stored.refetch()}
        away={<LinkButton to="/e/$entity" params={{ entity: name }} variant="default">{t('app.toList', { plural: entity.plural })}</LinkButton>} />
    );
  }
  if (id !== null && !document.base) return <div className="page-body"><Skeleton rows={9} /></div>;

  const canWrite = id === null ? entity.rights.create : entity.rights.write && !entity.append_only && !values.archived && !document.locked?.record;
  const status = fieldOf(entity, entity.status);
  const statusChoice = status?.choices?.find((choice) => choice.value === values[status.name]);

  const save = async () => {
    const saved = await document.save();
    if (saved !== null && id === null) await navigate({ to: '/e/$entity/$id', params: { entity: name, id: String(saved) }, replace: true });
    return saved;
  };

  const remove = async () => {
    try {
      await api.remove(name, id!);
      void client.invalidateQueries({ queryKey: ['entity', name] });
      await navigate({ to: '/e/$entity', params: { entity: name } });
    } finally {
      setDeleting(false);
    }
  };

  return (
    <div className="page form-page">
      <header className="page-head">
        <h1>{id === null ? t('form.new', { entity: entity.label }) : named(document.base?._title, entity.label)}</h1>
        {statusChoice ? <Badge colour={statusChoice.colour}>{statusChoice.label}</Badge> : null}
        {values.archived ? <Badge>{t('form.archived')}</Badge> : null}
        <span className="grow" />
        {id !== null ? (
          <OperationButtons entity={name} allowed={document.operations} quiet={dirty} busy={running.busy || document.saving}
            onDelete={entity.rights.delete && !entity.append_only && !values.archived && !document.locked?.record ? () => setDeleting(true) : undefined}
            onPreview={(operation, allowed) => setPreview({ operation, input: { ...allowed?.input, ...(operation.target ? { [operation.target]: id } : {}) } })}
            onRun={(operation, allowed) =>
              void (async () => {
                // What was typed belongs to what is done: it is saved first.
                if (dirty && (await save()) === null) return;
                running.start(operation.name, { ...allowed?.input, ...(operation.target ? { [operation.target]: id } : {}) });
              })()
            } />
        ) : null}
      </header>
      <div className="form-columns">
        <div className="form-main">
          <Notices document={document} />
          <Outcome running={running} />
          <FormBody document={document} editable={canWrite} isNew={id === null} />
        </div>
        {id !== null ? <Rail entity={name} id={id} /> : null}
      </div>
      {dirty || id === null ? (
        <div className="save-bar" role="group" aria-label={t('form.unsaved')}>
          <span className="grow dim small">{dirty ? t('form.unsaved') : null}</span>
          {dirty ? <Button variant="default" onClick={document.discard} disabled={document.saving}>{t('form.discard')}</Button> : null}
          <Button data-primary data-saves loading={document.saving} onClick={() => void save()}>
            {t(id === null ? 'form.create' : 'form.save')}
          </Button>
        </div>
      ) : null}
      <ClashDialog document={document} />
      {preview ? (
        <Preview operation={preview.operation.name} label={preview.operation.label} input={preview.input} onClose={() => setPreview(null)}
          onRun={() => running.start(preview.operation.name, preview.input)} />
      ) : null}
      {deleting ? (
        <Dialog title={t('form.delete')} onClose={() => setDeleting(false)}>
        <p>{t('form.deleteSure')}</p>
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end', marginTop: 16 }}>
          <Button variant="default" onClick={() => setDeleting(false)}>{t('app.cancel')}</Button>
          <Button color="red.8" onClick={() => void remove()}>{t('form.delete')}</Button>
        </div>
        </Dialog>
      ) : null}
    </div>
  );
}

function Notices({ document }: { document: Document }) {
  const { t, locale, timeZone } = useI18n();
  const [seen, setSeen] = useState(false);
  const { problem, errors, restoredAt, dirty, draftProblem } = document;
  // A remark about a line, or about the whole, has no field of its own to stand at.
  const general = document.notes.filter((note) => !fieldOf(document.entity, note.field));
  const count = Object.keys(errors.byField).length;
  return (
    <>
      {restoredAt && dirty && !seen ? (
        <div className="notice" data-tone="attention" role="status">
          <div className="notice-title">
            <span className="grow" style={{ fontWeight: 400 }}>
              {t('form.restored', { when: formatTimestamp(new Date(restoredAt).toISOString(), locale, timeZone) })}
            </span>
            <IconButton icon="close" iconSize={14} size={24} label={t('op.dismiss')} onClick={() => setSeen(true)} />
          </div>
        </div>
      ) : null}
      {problem ? (
        <div className="notice" data-tone="bad" role="alert">
          <div className="notice-title"><Icon name="alert" /><span>{problem.title}</span></div>
          <Refusal problem={{ ...problem, title: '', errors: errors.general.map((message) => ({ message })) }} label={problem.title} />
          {count ? <div className="dim small">{t('form.errors', { count })}</div> : null}
        </div>
      ) : errors.general.length ? (
        <div className="notice" data-tone="attention" role="status"><ul>{errors.general.map((message) => <li key={message}>{message}</li>)}</ul></div>
      ) : null}
      {general.length ? <div className="notice" data-tone="attention"><Remarks notes={general} /></div> : null}
      {draftProblem && !problem ? (
        <p className="dim small" role="status" title={asProblem(draftProblem).title}>{t('form.draftLost')}</p>
      ) : null}
    </>
  );
}

/** Enter goes to the next field that still needs something; where none does, to the lines. */
function goOn(event: KeyboardEvent<HTMLElement>) {
  const target = event.target as HTMLElement;
  if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.altKey || target.tagName !== 'INPUT' || !target.closest('.slot')) return;
  event.preventDefault();
  const controls = [...event.currentTarget.querySelectorAll<HTMLInputElement>('.slot .input:not(:disabled), .lines input:not([tabindex="-1"])')];
  const rest = controls.slice(controls.indexOf(target as HTMLInputElement) + 1);
  rest.find((control) => control.closest('.lines') !== null || (control.dataset.needed !== undefined && control.value === ''))?.focus();
}

const isTotals = (fields: Field[]): boolean => fields.every((field) => field.kind === 'money' && !isEditable(field));

function FormBody({ document, editable, isNew }: { document: Document; editable: boolean; isNew: boolean }) {
  const { t } = useI18n();
  const { entity, values, titles, errors, provenance, locked } = document;
  const more = moreOf(entity);
  const [open, setOpen] = useState(false);
  const owned = entity.lines ?? [];
  const sections = sectionsOf(entity);
  const totals = owned.length ? sections.filter((section) => isTotals(section.fields)) : [];
  const notesOn = (field: Field) => document.notes.filter((note) => note.field === field.name);
  const moreShown = open || more.some((field) => errors.byField[field.name] || notesOn(field).length > 0);
  let first = isNew;

  const slot = (field: Field) => {
    const canType = editable && mayType(field, locked);
    const focus = first && canType;
    if (focus) first = false;
    return (
      <FieldSlot key={field.name} field={field} value={values[field.name]} title={titles[field.name]} editable={canType} autoFocus={focus}
        error={errors.byField[field.name]} provenance={provenance[field.name]} notes={notesOn(field)} onChange={(value) => document.setField(field.name, value)} />
    );
  };

  return (
    <div className="form-body" onKeyDown={goOn}>
      {locked?.record && locked.reason && !isNew ? (
        <p className="form-locked dim small"><Icon name="lock" size={14} /> {locked.reason}</p>
      ) : null}
      {sections.filter((section) => !totals.includes(section)).map((section, index) => (
        <section key={section.key} className="form-section" aria-label={section.label}>
          {index > 0 || section.label !== entity.label ? <h2>{section.label}</h2> : null}
          <div className="slots">{section.fields.map(slot)}</div>
        </section>
      ))}
      {owned.map((lines) => <LinesGrid key={lines.name} owned={lines} document={document} editable={editable} />)}
      {totals.map((section) => (
        <section key={section.key} className="form-totals" aria-label={section.label}>
          {section.fields.map((field) => (
            <FieldSlot key={field.name} field={field} value={values[field.name]} editable={false} provenance={provenance[field.name]} />
          ))}
        </section>
      ))}
      {more.length ? (
        <section className="form-section" aria-label={t('form.more')}>
          <button type="button" className="disclose" aria-expanded={moreShown} onClick={() => setOpen(!open)}>
            <Icon name={moreShown ? 'chevronDown' : 'chevronRight'} size={14} />
            {t(moreShown ? 'form.fewer' : 'form.more')}
          </button>
          {moreShown ? <div className="slots">{more.map(slot)}</div> : null}
        </section>
      ) : null}
    </div>
  );
}
