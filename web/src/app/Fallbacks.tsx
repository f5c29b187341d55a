import { Button } from '@mantine/core';
import { LinkButton, Quiet } from '../design/parts';
import { useT } from '../i18n';

export function NotFound() {
  const t = useT();
  return (
    <Quiet page title={t('app.notFound')} action={<LinkButton to="/inbox" variant="default">{t('app.goInbox')}</LinkButton>} />
  );
}

export function Broken({ error }: { error: unknown }) {
  const t = useT();
  return (
    <Quiet page
      title={t('app.broken')}
      action={<Button variant="default" onClick={() => window.location.reload()}>{t('app.reload')}</Button>}
    >
      {error instanceof Error ? error.message : null}
    </Quiet>
  );
}
