import { Button, Menu, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { Allowed } from '../../api/types';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { useT } from '../../i18n';
import { formOperations, missingInput, useMeta, type NamedOperation } from '../../registry';
import { useId } from 'react';

interface Props {
  entity: string;
  allowed: Allowed[];
  /** Something is unsaved: saving is then what stands first. */
  quiet: boolean;
  busy: boolean;
  onRun: (operation: NamedOperation, allowed: Allowed | undefined) => void;
  onDelete?: () => void;
  /** Shows what the primary operation would do. */
  onPreview?: (operation: NamedOperation, allowed: Allowed | undefined) => void;
}

/** So many secondary operations stand beside the primary one, where there is room; the rest is in the menu. */
const BESIDE = 2;

export function OperationButtons({ entity, allowed, quiet, busy, onRun, onDelete, onPreview }: Props) {
  const t = useT();
  const meta = useMeta();
  const phone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const answers = new Map(allowed.map((each) => [each.operation, each]));
  // An operation about which the server says nothing is not for this person.
  const operations = formOperations(meta, entity).filter((operation) => answers.has(operation.name));
  const can = (operation: NamedOperation) => answers.get(operation.name)?.allowed === true;
  const primary = operations.find((operation) => operation.button === 1 && can(operation));
  const others = operations.filter((operation) => operation !== primary);
  const beside = others.filter((operation) => can(operation) && !operation.dangerous).slice(0, phone ? 0 : BESIDE);
  const waiting = primary ? undefined : others.find((operation) => operation.button === 1);
  // One that is not possible now stands in the menu too, where its reason can be read without a pointer.
  const menu = others.filter((operation) => !beside.includes(operation));
  return (
    <div className="row-of-buttons operations" role="group" aria-label={t('form.operations')}>
      {beside.map((operation) => (
        <Button key={operation.name} variant="default" disabled={busy} title={operation.help ?? undefined} className="op-beside"
          onClick={() => onRun(operation, answers.get(operation.name))}>
          {operation.label}
        </Button>
      ))}
      {waiting ? (
        <Waiting operation={waiting} answer={answers.get(waiting.name)} busy={busy} onRun={() => onRun(waiting, answers.get(waiting.name))} />
      ) : null}
      {primary ? (
        <Button variant={quiet ? 'light' : 'filled'} data-primary={quiet ? undefined : true} loading={busy} title={primary.help ?? undefined}
          className="op-primary" onClick={() => onRun(primary, answers.get(primary.name))}>
          {primary.label}
        </Button>
      ) : null}
      {menu.length || onDelete || (primary && onPreview) ? (
        <Menu position="bottom-end" width={300}>
          <Menu.Target>
            <IconButton icon="dots" label={t('app.more')} />
          </Menu.Target>
          <Menu.Dropdown>
            {primary && onPreview && !quiet && missingInput(primary, { ...answers.get(primary.name)?.input }).length === 0 ? (
              <>
                <Menu.Item onClick={() => onPreview(primary, answers.get(primary.name))}>{t('preview.of', { operation: primary.label })}</Menu.Item>
                {menu.length ? <Menu.Divider /> : null}
              </>
            ) : null}
            {menu.map((operation) => {
              const answer = answers.get(operation.name);
              return can(operation) ? (
                <Menu.Item key={operation.name} color={operation.dangerous ? 'var(--mantine-color-error)' : undefined} onClick={() => onRun(operation, answer)}>
                  {operation.label}
                </Menu.Item>
              ) : (
                // Reachable by the keyboard, so that its reason can be read.
                <Menu.Item key={operation.name} aria-disabled closeMenuOnClick={false} className="op-off">
                  {operation.label}
                  {answer?.reason ? <span className="dim small op-reason">{answer.reason}</span> : null}
                </Menu.Item>
              );
            })}
            {onDelete ? (
              <>
                {menu.length ? <Menu.Divider /> : null}
                <Menu.Item color="var(--mantine-color-error)" onClick={onDelete}>{t('form.delete')}</Menu.Item>
              </>
            ) : null}
          </Menu.Dropdown>
        </Menu>
      ) : null}
    </div>
  );
}

/** The primary operation while it is not possible: it tells its reason; where something would help, pressing it offers that. */
function Waiting({ operation, answer, busy, onRun }: { operation: NamedOperation; answer?: Allowed; busy: boolean; onRun: () => void }) {
  const t = useT();
  const id = useId();
  const reason = answer?.reason;
  return (
    <>
      <Tooltip label={reason} disabled={!reason}>
        {answer?.remedies ? (
          <Button variant="default" className="op-waiting" disabled={busy} aria-describedby={reason ? id : undefined} onClick={onRun}
            leftSection={<Icon name="alert" size={15} />}>
            {operation.label}
          </Button>
        ) : (
          <Button variant="default" className="op-disabled" aria-disabled aria-describedby={reason ? id : undefined} data-disabled
            onClick={(event) => event.preventDefault()}>
            {operation.label}
          </Button>
        )}
      </Tooltip>
      {reason ? <span className="hidden-text" id={id}>{t('op.notAllowed', { reason })}</span> : null}
    </>
  );
}
