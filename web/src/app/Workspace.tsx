// Everything behind the sign-in: who is here, what exists, and the shell around the screens.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api, whenSignedOut } from '../api/client';
import { Failed, Skeleton } from '../design/parts';
import { useI18n } from '../i18n';
import { MetaContext } from '../registry';
import { keys } from '../registry/keys';
import { useSession } from './session';
import { Shell } from './Shell';

export function Workspace() {
  const session = useSession();
  const client = useQueryClient();
  const { adopt } = useI18n();
  const router = useRouter();
  const user = session.data?.user;
  const meta = useQuery({ queryKey: keys.meta, queryFn: ({ signal }) => api.meta(signal), enabled: Boolean(user), staleTime: Infinity });

  useEffect(() => {
    whenSignedOut(() => void client.invalidateQueries({ queryKey: keys.session }));
    return () => whenSignedOut(() => {});
  }, [client]);

  const zone = meta.data?.company.time_zone ?? null;
  useEffect(() => adopt(user?.language ?? null, zone), [adopt, user?.language, zone]);

  // Once, and not while drawing: the address changes on the way, and must not be taken for the one to come back to.
  const signedOut = session.data !== undefined && !user;
  useEffect(() => {
    if (!signedOut) return;
    const here = router.state.location.href;
    void router.navigate({ to: '/signin', search: here === '/' || here === '/inbox' ? {} : { to: here }, replace: true });
  }, [signedOut, router]);

  if (session.isError) return <Failed error={session.error} retry={() => void session.refetch()} />;
  if (signedOut) return null;
  if (meta.isError) return <Failed error={meta.error} retry={() => void meta.refetch()} />;
  if (!meta.data) return <div style={{ padding: 32 }}><Skeleton rows={8} /></div>;
  return (
    <MetaContext value={meta.data}>
      <Shell>
        <Outlet />
      </Shell>
    </MetaContext>
  );
}
