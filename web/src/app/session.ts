import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { keys } from '../registry/keys';

export const useSession = () => useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: 60_000 });
