import { Button, PasswordInput, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState, type FormEvent } from 'react';
import { api, asProblem } from '../api/client';
import { sortErrors } from '../api/problem';
import { COUNTRIES } from '../fields/codes';
import { useI18n } from '../i18n';
import { countryName } from '../i18n/format';
import { Entry } from './Entry';

const CURRENCIES = ['CZK', 'EUR', 'USD', 'GBP', 'PLN', 'HUF', 'CHF', 'SEK', 'NOK', 'DKK', 'RON'];

export function Setup() {
  const { t, language, locale, choose } = useI18n();
  const { token } = useSearch({ from: '/setup' });
  const client = useQueryClient();
  const navigate = useNavigate();
  const [values, setValues] = useState({ company: '', country: 'CZ', currency: 'CZK', user: 'admin', name: '', password: '' });
  const set = (name: keyof typeof values) => (value: string | null) => setValues((old) => ({ ...old, [name]: value ?? '' }));
  const countries = useMemo(
    () => COUNTRIES.map((code) => ({ value: code, label: countryName(code, locale) })).sort((a, b) => a.label.localeCompare(b.label, locale)),
    [locale],
  );

  const setup = useMutation({
    mutationFn: () => api.setup({ ...values, language, token: token ?? '' }),
    onSuccess: async () => {
      client.removeQueries();
      await navigate({ to: '/signin', search: { done: '1' } });
    },
  });
  const problem = setup.isError ? asProblem(setup.error) : null;
  const errors = sortErrors(problem?.errors, (path) => path in values);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setup.mutate();
  };
  const text = (name: 'company' | 'user' | 'name', autoComplete: string) => ({
    name, autoComplete, required: true, withAsterisk: false, value: values[name], error: errors.byField[name],
    onChange: (event: { currentTarget: { value: string } }) => set(name)(event.currentTarget.value),
  });

  return (
    <Entry>
      <section className="entry-card" data-wide="true">
        <h1>{t('setup.title')}</h1>
        <p className="dim" style={{ marginTop: 4 }}>{t('setup.help')}</p>
        {token ? (
          <form onSubmit={submit}>
            {problem ? (
              <div className="notice" data-tone="bad" role="alert">
                {[problem.detail ?? problem.title, ...errors.general].join(' ')}
              </div>
            ) : null}
            <TextInput label={t('setup.company')} autoFocus {...text('company', 'organization')} />
            <div className="entry-two">
              <Select label={t('setup.country')} data={countries} searchable allowDeselect={false} value={values.country}
                onChange={set('country')} error={errors.byField.country} />
              <Select label={t('setup.currency')} data={CURRENCIES} searchable allowDeselect={false} value={values.currency}
                onChange={set('currency')} error={errors.byField.currency} />
            </div>
            <Select label={t('setup.language')} allowDeselect={false} value={language}
              data={[{ value: 'cs', label: 'Čeština' }, { value: 'en', label: 'English' }]}
              onChange={(code) => code && choose(code)} />
            <fieldset>
              <legend>{t('setup.admin')}</legend>
              <TextInput label={t('setup.name')} {...text('name', 'name')} />
              <div className="entry-two">
                <TextInput label={t('setup.user')} autoCapitalize="none" {...text('user', 'username')} />
                <PasswordInput label={t('setup.password')} name="password" autoComplete="new-password" required withAsterisk={false}
                  value={values.password} error={errors.byField.password}
                  onChange={(event) => set('password')(event.currentTarget.value)} />
              </div>
            </fieldset>
            <Button type="submit" loading={setup.isPending}>{t('setup.submit')}</Button>
          </form>
        ) : (
          <div className="notice" data-tone="attention" style={{ marginTop: 16 }}>{t('setup.noToken')}</div>
        )}
      </section>
    </Entry>
  );
}
