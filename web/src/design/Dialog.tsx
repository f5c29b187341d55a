// A dialog as all of ours are: it has a name, closes with Escape, and gives the focus back to where it was.
import { Modal } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { useT } from '../i18n';

interface Props {
  title: string;
  size?: 'md' | 'lg' | 'xl';
  onClose: () => void;
  children: ReactNode;
}

/** Mounted while it is open: whoever opens it draws it, whoever closes it no longer does. */
export function Dialog({ title, size = 'md', onClose, children }: Props) {
  const t = useT();
  // What had the focus when the dialog was drawn first; afterwards the dialog has it.
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // What stood there may be gone by now, or the button that was pressed may be disabled for a moment.
      setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected && (!document.activeElement || document.activeElement === document.body)) before.focus();
      });
    },
    [before],
  );
  return (
    <Modal.Root opened onClose={onClose} size={size} returnFocus={false}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Header role="none">
          <Modal.Title style={{ fontWeight: 600, fontSize: 16 }}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={t('app.close')} />
        </Modal.Header>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
