import {
  Button, createTheme, Input, Menu, ModalRoot, Popover, Select, TextInput, Tooltip, type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

const accent: MantineColorsTuple = [
  '#f2f2fd', '#e2e2f9', '#c3c2f0', '#a3a1e8', '#8582e0', '#6f6bd9', '#5b57d1', '#4947bd', '#3d3ba3', '#302e85',
];

const gray: MantineColorsTuple = [
  '#fafafa', '#f4f4f5', '#ebebed', '#dddde0', '#c4c4c9', '#a0a0a8', '#787881', '#5a5a63', '#3a3a42', '#202026',
];

const dark: MantineColorsTuple = [
  '#e6e6ea', '#b4b4bd', '#94949f', '#6d6d78', '#45454f', '#33333c', '#26262d', '#1c1c22', '#16161b', '#101014',
];

const popup = { withinPortal: true, shadow: 'md', transitionProps: { duration: 80 } } as const;

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 6 },
  colors: { accent, gray, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Roboto, Ubuntu, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.45', lg: '1.5', xl: '1.5' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '0.9375rem' }, h3: { fontSize: '0.875rem' } },
  },
  defaultRadius: 6,
  focusRing: 'auto',
  cursorType: 'pointer',
  components: {
    // Rows and controls of 32 px; where a finger is expected, the style sheets make them larger.
    Button: Button.extend({
      defaultProps: { size: 'sm', fw: 550 },
      vars: (_, props) => ({ root: props.size === 'sm' ? { '--button-height': '32px', '--button-padding-x': '13px' } : {} }),
    }),
    Input: Input.extend({ vars: () => ({ wrapper: { '--input-height': '32px', '--input-size': '32px' } }) }),
    TextInput: TextInput.extend({ defaultProps: { size: 'sm' } }),
    Select: Select.extend({ defaultProps: { size: 'sm', comboboxProps: popup } }),
    Menu: Menu.extend({ defaultProps: { ...popup, radius: 8 } }),
    Popover: Popover.extend({ defaultProps: popup }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, multiline: true, maw: 320, withArrow: true, events: { hover: true, focus: true, touch: false } },
    }),
    ModalRoot: ModalRoot.extend({ defaultProps: { centered: true, radius: 10, transitionProps: { duration: 100 } } }),
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {
    '--mantine-line-height': '1.45',
  },
  light: {
    '--surface': '#ffffff',
    '--surface-2': '#f7f7f8',
    '--surface-3': '#efeff1',
    '--line': '#e4e4e7',
    '--line-strong': '#d0d0d6',
    '--text': '#1d1d22',
    '--text-2': '#5c5c66',
    '--mark': '#4947bd',
    '--accent-text': '#4341b0',
    '--accent-soft': '#eeeefb',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#1d1d22',
    '--mantine-color-dimmed': '#5c5c66',
    '--mantine-color-error': '#b4231c',
    '--mantine-color-placeholder': '#85858f',
  },
  dark: {
    '--surface': '#17171b',
    '--surface-2': '#1d1d22',
    '--surface-3': '#27272d',
    '--line': '#2c2c33',
    '--line-strong': '#40404a',
    '--text': '#e8e8ec',
    '--text-2': '#a2a2ad',
    '--mark': '#5b57d1',
    '--accent-text': '#aeacf2',
    '--accent-soft': '#26254a',
    '--mantine-color-body': '#17171b',
    '--mantine-color-text': '#e8e8ec',
    '--mantine-color-dimmed': '#a2a2ad',
    '--mantine-color-error': '#f28b82',
    '--mantine-color-placeholder': '#7d7d88',
  },
});
