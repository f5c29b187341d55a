// One step of a process: what to do, the form, one big button, and around it what one needs to know.
import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useState } from 'react';
import { api } from '../../api/client';
import { sortErrors } from '../../api/problem';
import type { Field, Task, TaskDetail, Values } from '../../api/types';
import { Icon } from '../../design/icons';
import { Badge, Failed, IconButton, LinkButton, Skeleton } from '../../design/parts';
import { errorsOf } from '../../fields/malformed';
import { RecordLink } from '../../fields/ref';
import { idOf } from '../../fields/titles';
import { useT } from '../../i18n';
import { fieldOf, isEmpty, missingInput, operationOf, roleLabel, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { FieldSlot } from '../../views/form/FieldSlot';
import '../../views/form/form.css';
import { PanelView, RailSection } from '../../views/form/Rail';
import { Preview } from '../../views/operation/Preview';
import { Outcome } from '../../views/operation/Outcome';
import { useOperation } from '../../views/operation/useOperation';
import { useDue } from './Inbox';
import { PartyCard } from './PartyCard';

const Markdown = lazy(() => import('../../design/Markdown'));

const TASK = 'process.task';
const OPEN = ['open', 'claimed'];

export function Step({ id, tasks }: { id: number; tasks: Task[] }) {
  const shown = useQuery({ queryKey: keys.task(id), queryFn: ({ signal }) => api.task(id, signal) });
  if (shown.isError && !shown.data) return <Failed error={shown.error} retry={() => void shown.refetch()} />;
  if (!shown.data) return <div className="step-main"><Skeleton rows={8} /></div>;
  return <StepView id={id} detail={shown.data} tasks={tasks} />;
}

/** The form of the step, else what its operation needs beyond what the process already knows. */
function useFormFields(detail: TaskDetail): Field[] {
  const meta = useMeta();
  return useMemo(() => {
    if (detail.form?.length) return detail.form;
    const operation = detail.operation ? operationOf(meta, detail.operation) : undefined;
    return operation ? missingInput(operation, detail.operation_input ?? {}) : [];
  }, [detail, meta]);
}

function StepView({ id, detail, tasks }: { id: number; detail: TaskDetail; tasks: Task[] }) {
  const t = useT();
  const meta = useMeta();
  const due = useDue();
  const [typed, setTyped] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const [finished, setFinished] = useState(false);
  const [preview, setPreview] = useState(false);
  const running = useOperation((operation) => {
    if (operation === `${TASK}.complete`) setFinished(true);
  });
  const minor = useOperation();
  const { task } = detail;
  const fields = useFormFields(detail);
  const values: Values = {
    ...Object.fromEntries(fields.filter((field) => !isEmpty(field.default)).map((field) => [field.name, field.default])),
    ...detail.values,
    ...typed,
  };
  const wrong = errorsOf(fields, values, t);
  const problem = running.stack[0]?.problem;
  const refused = sortErrors(
    problem?.errors?.map((error) => ({ ...error, field: error.field?.replace(/^values\./, '') })),
    (path) => fields.some((field) => field.name === path.split('.')[0]),
  );
  const open = OPEN.includes(String(task.state)) && !finished;
  const label = detail.operation_label ?? t('step.done');
  const party = idOf(detail.party ?? task.party);
  const partyEntity = fieldOf(meta.entities[TASK], 'party')?.to ?? 'party.party';
  const subject = (detail.subject ?? task.subject) as { entity?: string; id?: number; title?: string; _title?: string } | null | undefined;
  const next = tasks.find((each) => each.id !== id);
  const mine = task.assignee === meta.user.id;

  const sent = Object.fromEntries(fields.map((field) => [field.name, values[field.name]]).filter(([, value]) => value !== undefined));
  const complete = () => {
    setTried(true);
    if (Object.keys(wrong).length) return;
    running.start(`${TASK}.complete`, { task: id, values: sent }, { label, onlyMissing: true });
  };

  const minorOperation = (name: string) => (meta.operations[name] ? () => minor.start(name, { task: id }, { onlyMissing: name !== `${TASK}.delegate` }) : undefined);
  const menu = [
    { key: 'claim', label: t('step.claim'), run: mine ? undefined : minorOperation(`${TASK}.claim`) },
    { key: 'release', label: t('step.release'), run: mine ? minorOperation(`${TASK}.release`) : undefined },
    { key: 'delegate', label: t('step.delegate'), run: minorOperation(`${TASK}.delegate`) },
  ].filter((item) => item.run);

  return (
    <div className="step">
      <div className="step-main">
        <Link to="/inbox" className="step-back dim small"><Icon name="chevronLeft" size={14} /> {t('step.toInbox')}</Link>
        <header className="step-head">
          <div className="grow">
            <p className="dim small">{[task.process ?? task.process_name, task.step ?? task.step_name].filter(Boolean).map(String).join(' › ')}</p>
            <h1>{task.title}</h1>
            <p className="dim small step-facts">
              {due(task.due, task.overdue)}
              {task.assignee && !mine && task.assignee_name ? <span>{t('inbox.claimed', { name: String(task.assignee_name) })}</span> : null}
              {!task.assignee && task.role ? <span>{t('inbox.forRole', { role: roleLabel(meta, task.role) })}</span> : null}
              {task.stands_for_name ? <span>{t('inbox.standsFor', { name: task.stands_for_name })}</span> : null}
            </p>
          </div>
          {menu.length && open ? (
            <Menu position="bottom-end">
              <Menu.Target><IconButton icon="dots" label={t('step.menu')} /></Menu.Target>
              <Menu.Dropdown>{menu.map((item) => <Menu.Item key={item.key} onClick={item.run}>{item.label}</Menu.Item>)}</Menu.Dropdown>
            </Menu>
          ) : null}
        </header>
        {detail.steps?.length ? <Stepper steps={detail.steps} /> : null}
        {detail.instruction ?? task.instruction ? (
          <section aria-label={t('step.instruction')} className="step-text">
            <Suspense fallback={null}><Markdown text={String(detail.instruction ?? task.instruction)} /></Suspense>
          </section>
        ) : null}
        {open && fields.length ? (
          <form className="step-form" noValidate onSubmit={(event) => { event.preventDefault(); complete(); }}>
            {fields.map((field) => (
              <FieldSlot key={field.name} field={field} value={values[field.name]} editable={!field.read_only} layout="stacked" disabled={running.busy}
                title={undefined}
                error={(tried ? wrong[field.name] : undefined) ?? Object.entries(refused.byField).find(([path]) => path.split('.')[0] === field.name)?.[1]}
                onChange={(value) => setTyped((old) => ({ ...old, [field.name]: value }))} />
            ))}
            <button type="submit" hidden aria-hidden tabIndex={-1} />
          </form>
        ) : null}
        <Outcome running={running} />
        <Outcome running={minor} />
        {open ? (
          <div className="step-do">
            <Button size="md" loading={running.busy} data-primary variant={running.stack.length > 1 ? 'light' : 'filled'} onClick={complete} className="step-button">
              {label}
            </Button>
            {detail.operation ? <Button size="md" variant="subtle" color="gray" disabled={running.busy} onClick={() => setPreview(true)}>{t('preview.ask')}</Button> : null}
          </div>
        ) : (
          <div className="step-do row-of-buttons">
            {!finished ? <p className="dim">{t('step.gone')}</p> : null}
            {next ? (
              <LinkButton to="/inbox/$task" params={{ task: String(next.id) }} data-primary variant={finished ? 'filled' : 'default'}>
                {t('step.nextTask', { title: next.title })}
              </LinkButton>
            ) : null}
            <LinkButton to="/inbox" variant="default" className="narrow-only">{t('step.toInbox')}</LinkButton>
          </div>
        )}
        {preview ? <Preview operation={`${TASK}.complete`} label={label} input={{ task: id, values: sent }} onClose={() => setPreview(false)} onRun={complete} /> : null}
        {detail.why ? (
          <section className="step-note" aria-label={t('step.why')}>
            <h2>{t('step.why')}</h2>
            <p>{detail.why}</p>
          </section>
        ) : null}
        {detail.next?.length ? (
          <section className="step-note" aria-label={t('step.next')}>
            <h2>{t('step.next')}</h2>
            <ul>{detail.next.map((text) => <li key={text}>{text}</li>)}</ul>
          </section>
        ) : null}
      </div>
      <aside className="rail" aria-label={t('rail.label')}>
        {subject?.entity && subject.id ? (
          <RailSection title={t('step.about')}>
            <p>
              <RecordLink entity={subject.entity} id={subject.id} title={task.subject_title ?? subject._title ?? subject.title} />{' '}
              <Badge>{meta.entities[subject.entity]?.label ?? subject.entity}</Badge>
            </p>
          </RailSection>
        ) : null}
        {subject?.entity && subject.id && party !== null
          ? (meta.entities[subject.entity]?.panels ?? []).slice(0, 2).map((panel) => (
              <PanelView key={panel.key} entity={subject.entity!} id={subject.id!} panel={panel} />
            ))
          : null}
        {party !== null && meta.entities[partyEntity]?.rights.read ? <PartyCard entity={partyEntity} id={party} /> : null}
        {/* Nobody is named yet: the record itself tells who it is about, and what they wrote stands there as text. */}
        {party === null && subject?.entity && subject.id && meta.entities[subject.entity]?.rights.read
          ? <PartyCard entity={subject.entity} id={subject.id} /> : null}
      </aside>
    </div>
  );
}

function Stepper({ steps }: { steps: NonNullable<TaskDetail['steps']> }) {
  const t = useT();
  const words = { done: t('step.stateDone'), current: t('step.stateCurrent'), ahead: t('step.stateAhead') };
  return (
    <ol className="stepper" aria-label={t('step.progress')}>
      {steps.map((step) => (
        <li key={step.element} data-state={step.state} aria-current={step.state === 'current' ? 'step' : undefined}>
          <span className="stepper-dot">{step.state === 'done' ? <Icon name="check" size={10} /> : null}</span>
          <span className="stepper-name">{step.name}<span className="hidden-text"> ({words[step.state]})</span></span>
        </li>
      ))}
    </ol>
  );
}
