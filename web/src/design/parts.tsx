import { ActionIcon, Button, type ActionIconProps, type ButtonProps } from '@mantine/core';
import { createLink, useRouter } from '@tanstack/react-router';
import { forwardRef, type AnchorHTMLAttributes, type ComponentPropsWithoutRef, type ReactNode } from 'react';
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

export function Quiet({ title, children, action }: { title?: ReactNode; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="quiet-state">
      {title ? <h2>{title}</h2> : null}
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

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useT();
  const router = useRouter();
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Quiet
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
