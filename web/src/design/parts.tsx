import { ActionIcon, Button, type ActionIconProps, type ButtonProps } from '@mantine/core';
import { createLink, useRouter } from '@tanstack/react-router';
import { forwardRef, type AnchorHTMLAttributes, type ComponentPropsWithoutRef, type ReactNode } from 'react';
import { ApiError } from '../api/client';
import type { Colour } from '../api/types';
import { useT } from '../i18n';
import { Icon, type IconName } from './icons';

export function Badge({ colour, children }: { colour?: Colour | null; children: ReactNode }) {
  return (
    <span className="badge" data-colour={colour ?? 'grey'}>
      <span className="ellipsis">{children}</span>
    </span>
  );
}

type IconButtonProps = ActionIconProps &
  Omit<ComponentPropsWithoutRef<'button'>, keyof ActionIconProps> & { icon: IconName; label: string; iconSize?: number };

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { icon, label, iconSize = 16, ...rest },
  ref,
) {
  return (
    <ActionIcon ref={ref} variant="subtle" color="gray" size={32} aria-label={label} title={label} {...rest}>
      <Icon name={icon} size={iconSize} />
    </ActionIcon>
  );
});

const LinkButtonBase = forwardRef<HTMLAnchorElement, ButtonProps & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>>(
  function LinkButtonBase(props, ref) {
    return <Button component="a" ref={ref} {...props} />;
  },
);

export const LinkButton = createLink(LinkButtonBase);

/** A place with nothing in it: why, and what one can do. `page` where it is all that the page says. */
export function Quiet({ title, children, action, page }: { title?: ReactNode; children?: ReactNode; action?: ReactNode; page?: boolean }) {
  const Heading = page ? 'h1' : 'h2';
  return (
    <div className="quiet-state">
      {title ? <Heading className="quiet-title">{title}</Heading> : null}
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

export function Skeleton({ rows = 6 }: { rows?: number }) {
  const t = useT();
  return (
    <div className="skeleton" role="status" aria-label={t('app.loading')}>
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} style={{ width: `${88 - ((index * 23) % 40)}%`, margin: '16px 0' }} />
      ))}
    </div>
  );
}

/** Something could not be fetched. What is not there, or not for this person, is not worth another try: `away` leads on. */
export function Failed({ error, retry, away }: { error: unknown; retry?: () => void; away?: ReactNode }) {
  const t = useT();
  const router = useRouter();
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 404 || status === 403) {
    return (
      <Quiet page title={t(status === 404 ? 'app.gone' : 'app.forbidden')} action={away ?? <LinkButton to="/inbox" variant="default">{t('app.goInbox')}</LinkButton>}>
        <span role="alert">{t(status === 404 ? 'app.goneHelp' : 'app.forbiddenHelp')}</span>
      </Quiet>
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Quiet page title={t('app.failed')}
      action={
        <Button variant="default" onClick={() => (retry ? retry() : void router.invalidate())}>
          {t('app.retry')}
        </Button>
      }
    >
      <span role="alert">{message}</span>
    </Quiet>
  );
}
