import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Navigate, useRouter, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api, asProblem } from '../api/client';
import { useSession } from '../app/session';
import { useT } from '../i18n';
import { keys } from '../registry/keys';
import { Entry } from './Entry';

/** Known to everybody, for a demo company only; the server offers its users on no other. */
const DEMO_PASSWORD = 'demo';

/** Only an address of this program: never one that leads away. */
const inside = (to: string | undefined): string => (to && /^\/(?![/\\])/.test(to) ? to : '/inbox');

export function SignIn() {
  const t = useT();
  const client = useQueryClient();
  const router = useRouter();
  const { to, done } = useSearch({ from: '/signin' });
  const session = useSession();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');

  const signIn = useMutation({
    mutationFn: (who: { user: string; password: string }) => api.signIn(who.user, who.password),
    onSuccess: (answer) => {
      client.removeQueries();
      client.setQueryData(keys.session, answer);
      router.history.push(inside(to));
    },
  });

  if (session.data?.user && !signIn.isPending && !signIn.isSuccess) return <Navigate to={inside(to)} replace />;
  const problem = signIn.isError ? asProblem(signIn.error) : null;
  const demo = session.data?.demo ?? [];

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ user: user.trim(), password });
  };

  return (
    <Entry>
      <section className="entry-card">
        <h1>{t('signin.title')}</h1>
        <p className="dim" style={{ marginTop: 4 }}>{session.data?.company?.name ?? t('signin.tagline')}</p>
        <form onSubmit={submit}>
          {done ? <div className="notice" data-tone="good" role="status">{t('setup.done')}</div> : null}
          {session.data?.setup ? <div className="notice" data-tone="attention">{t('signin.setup')}</div> : null}
          {session.isError ? <div className="notice" data-tone="bad" role="alert">{asProblem(session.error).title}</div> : null}
          {problem ? (
            <div className="notice" data-tone="bad" role="alert">{problem.detail ?? problem.title}</div>
          ) : null}
          <TextInput label={t('signin.user')} name="user" autoComplete="username" autoCapitalize="none" spellCheck={false}
            autoFocus required withAsterisk={false} value={user} onChange={(event) => setUser(event.currentTarget.value)} />
          <PasswordInput label={t('signin.password')} name="password" autoComplete="current-password" required
            withAsterisk={false} value={password} onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-hidden': true }} />
          <Button type="submit" fullWidth loading={signIn.isPending}>{t('signin.submit')}</Button>
        </form>
      </section>
      {demo.length ? (
        <section className="entry-demo" aria-labelledby="demo">
          <h2 id="demo">{t('signin.demo')}</h2>
          <p>{t('signin.demoHelp')}</p>
          <ul className="entry-people">
            {demo.map((person) => (
              <li key={person.user}>
                <button type="button" className="entry-person" disabled={signIn.isPending}
                  onClick={() => signIn.mutate({ user: person.user, password: DEMO_PASSWORD })}>
                  <span className="avatar" aria-hidden="true">{person.name.split(/\s+/).map((word) => word[0]).join('').slice(0, 2)}</span>
                  <div>
                    <b>{person.name}</b> <span style={{ display: 'inline' }}>({person.user})</span>
                    <span>{person.does}</span>
                  </div>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </Entry>
  );
}
