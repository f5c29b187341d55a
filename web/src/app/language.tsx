import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { setLanguage } from '../api/client';
import { known, locales, LocalisationContext, translate, type Localisation } from '../i18n';
import { readStored, store } from './storage';

const KEY = 'celek.language';

/** The person's choice, else the user's language once it is known, else the browser's. */
const fromBrowser = (): string => navigator.languages.map(known).find(Boolean) ?? 'en';

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [chosen, setChosen] = useState(() => known(readStored(KEY)));
  const [ofUser, setOfUser] = useState<string | null>(null);
  const [timeZone, setTimeZone] = useState<string | undefined>(undefined);
  const client = useQueryClient();
  const language = chosen ?? ofUser ?? fromBrowser();
  // Before the first request of any child: it must already ask in this language.
  setLanguage(language, translate(language, 'app.unreachable'));

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);

  const choose = useCallback(
    (code: string) => {
      store(KEY, code);
      setLanguage(code, translate(code, 'app.unreachable'));
      setChosen(known(code));
      void client.invalidateQueries();
    },
    [client],
  );

  const settle = useCallback((code: string) => {
    store(KEY, null);
    setOfUser(known(code));
    setChosen(null);
  }, []);

  const adopt = useCallback((userLanguage: string | null, zone: string | null) => {
    if (userLanguage) setOfUser(known(userLanguage));
    if (zone) setTimeZone(zone);
  }, []);

  const value = useMemo<Localisation>(
    () => ({
      language,
      locale: locales[language] ?? 'en-GB',
      timeZone,
      t: (key, parameters) => translate(language, key, parameters),
      choose,
      settle,
      adopt,
    }),
    [language, timeZone, choose, settle, adopt],
  );
  return <LocalisationContext value={value}>{children}</LocalisationContext>;
}
