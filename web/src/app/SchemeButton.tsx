import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconButton } from '../design/parts';
import { useT } from '../i18n';

export function SchemeButton() {
  const t = useT();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <IconButton
      icon={dark ? 'sun' : 'moon'}
      label={t(dark ? 'scheme.toLight' : 'scheme.toDark')}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    />
  );
}
