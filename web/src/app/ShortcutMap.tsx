import { Kbd } from '@mantine/core';
import { Dialog } from '../design/Dialog';
import { useT } from '../i18n';
import { SHORTCUTS } from './shortcuts';

/** Which keys do what. */
export function ShortcutMap({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <dl className="key-map">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={does}>
            <dt>{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
