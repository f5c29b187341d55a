// What became of an operation: a panel that stays, in words, with links and with what can be done.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Problem } from '../../api/types';
import { problemText } from '../../api/problem';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { useT } from '../../i18n';
import { OperationDialog } from './OperationDialog';
import { undoOf, useMeta } from '../../registry';
import { refusedBelow, top, type Call } from './stack';
import type { Running } from './useOperation';

export function Refusal({ problem, label, running }: { problem: Problem; label: string; running?: Running }) {
  const t = useT();
  const { title, detail } = problemText(problem);
  const actions = problem.actions ?? [];
  return (
    <>
      <div>
        {problem.status === 0 || problem.status >= 500 ? null : <span className="hidden-text">{t('op.refused', { operation: label })}. </span>}
        {detail ?? title}
      </div>
      {problem.errors?.length ? <ul>{problem.errors.map((error, index) => <li key={index}>{error.message}</li>)}</ul> : null}
      {actions.length && running ? (
        <div className="row-of-buttons" role="group" aria-label={t('op.options')}>
          {actions.map((action, index) => (
            <Button key={index} variant={index === 0 ? 'light' : 'default'} disabled={running.busy} onClick={() => running.action(index)}>
              {action.label}
            </Button>
          ))}
        </div>
      ) : null}
      {problem.request && problem.status >= 500 ? <div className="dim small">{t('app.request', { id: problem.request })}</div> : null}
    </>
  );
}

/** Where another operation undoes what was done, the way to it. */
function TakeBack({ call, running }: { call: Call; running: Running }) {
  const t = useT();
  const undo = undoOf(useMeta(), call.operation, call.input, call.answer);
  if (!undo) return null;
  return (
    <div className="row-of-buttons">
      <Button size="compact-sm" variant="default" onClick={() => running.start(undo.operation.name, undo.input)}>
        {t('op.undo', { operation: undo.operation.label })}
      </Button>
    </div>
  );
}

/** The panel and the dialog of a running operation. Put it where the result should be read. */
export function Outcome({ running }: { running: Running }) {
  const t = useT();
  const call = top(running.stack);
  const below = refusedBelow(running.stack);
  const panel = useRef<HTMLDivElement>(null);
  const status = call?.status;
  const shown = status === 'refused' || status === 'done' ? call : undefined;

  useEffect(() => {
    if (status === 'refused' || status === 'done') panel.current?.scrollIntoView({ block: 'nearest' });
  }, [status, call?.key]);

  return (
    <>
      {shown ? (
        <div className="notice outcome" ref={panel} data-tone={status === 'done' ? 'good' : 'bad'} role={status === 'done' ? 'status' : 'alert'}>
          <div className="notice-title">
            <Icon name={status === 'done' ? 'check' : 'alert'} />
            <span className="grow">
              {status === 'done'
                ? shown.outcome?.message ?? t('op.done', { operation: shown.label })
                : problemText(shown.problem!).detail ? problemText(shown.problem!).title : t('op.refused', { operation: shown.label })}
            </span>
            <IconButton icon="close" iconSize={14} size={24} label={t('op.dismiss')} onClick={running.clear} />
          </div>
          {status === 'refused' ? <Refusal problem={shown.problem!} label={shown.label} running={running} /> : null}
          {status === 'done' && shown.outcome?.links?.length ? (
            <div className="row-of-buttons">
              {shown.outcome.links.map((link) => (
                <Link key={`${link.entity}#${link.id}`} to="/e/$entity/$id" params={{ entity: link.entity, id: String(link.id) }}>{link.title}</Link>
              ))}
            </div>
          ) : null}
          {status === 'done' && shown.outcome?.next?.length ? (
            <ul className="dim" aria-label={t('op.next')}>{shown.outcome.next.map((next, index) => <li key={index}>{next.message}</li>)}</ul>
          ) : null}
          {status === 'done' && !below ? <TakeBack call={shown} running={running} /> : null}
          {below || (status === 'refused' && (shown.dialog || (shown.problem?.status ?? 0) === 0 || (shown.problem?.status ?? 0) >= 500)) ? (
            <div className="row-of-buttons">
              {below && status === 'done' ? <Button onClick={running.tryAgain}>{t('op.tryAgain', { operation: below.label })}</Button> : null}
              {below && status === 'refused' ? <Button variant="default" onClick={running.cancel}>{t('app.back')}</Button> : null}
              {!below && status === 'refused' ? (
                <Button variant="default" onClick={running.retry}>{t('op.tryAgain', { operation: shown.label })}</Button>
              ) : null}
            </div>
          ) : null}
        </div>
      ) : null}
      {call && call.dialog && (status === 'asking' || status === 'running') ? (
        <OperationDialog key={running.stack.length} call={call} running={running} />
      ) : null}
    </>
  );
}
