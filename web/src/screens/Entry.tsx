import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { SchemeButton } from '../app/SchemeButton';
import { Mark } from '../design/icons';
import { useI18n } from '../i18n';
import './entry.css';

const names: Record<string, string> = { cs: 'Čeština', en: 'English' };

/** The frame of the screens before the sign-in. */
export function Entry({ children }: { children: ReactNode }) {
  const { language, choose, t } = useI18n();
  return (
    <div className="entry">
      <header className="entry-head">
        <Mark size={28} />
        Celek
        <span className="grow" />
        <div className="entry-languages" role="group" aria-label={t('user.language')}>
          {Object.entries(names).map(([code, name]) => (
            <Button key={code} lang={code} size="compact-sm" variant="subtle" color={code === language ? 'accent' : 'gray'}
              aria-pressed={code === language} onClick={() => choose(code)}>
              {name}
            </Button>
          ))}
        </div>
        <SchemeButton />
      </header>
      <main className="entry-main" id="main">{children}</main>
    </div>
  );
}
