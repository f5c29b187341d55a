// Few icons, drawn on a 24 px grid. They are decoration: each control that bears one has a name of its own.
import type { CSSProperties } from 'react';

const paths = {
  inbox: 'M4 13h4l2 3h4l2-3h4M5 6h14l2 7v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-5z',
  search: 'M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16.2 16.2 20.5 20.5',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  chevronDown: 'M6 9.5l6 6 6-6',
  chevronRight: 'M9.5 6l6 6-6 6',
  chevronLeft: 'M14.5 6l-6 6 6 6',
  menu: 'M4 7h16M4 12h16M4 17h16',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14',
  paperclip: 'M19 11.5l-7.2 7.2a4.2 4.2 0 0 1-6-6L13.5 5a2.8 2.8 0 0 1 4 4l-7.4 7.4a1.4 1.4 0 0 1-2-2l6.7-6.7',
  open: 'M14 5h5v5M19 5l-8 8M17 14v4a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h4',
  trash: 'M5 7h14M10 11v6M14 11v6M6.5 7l.8 12a1 1 0 0 0 1 1h7.4a1 1 0 0 0 1-1l.8-12M9 7V4.5h6V7',
  calendar: 'M5 6h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM4 10.5h16M8.5 3.5v4M15.5 3.5v4',
  minus: 'M5 12h14',
  columns: 'M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM9.300 5v14M14.700 5v14',
  pin: 'M9 4h6M10 4v6l-3 4h10l-3-4V4M12 14v6',
  rows: 'M4 6h16M4 12h16M4 18h16',
  board: 'M5 5h4v14H5zM11 5h4v9h-4zM17 5h3v6h-3z',
  pivot: 'M4 5h16v14H4zM4 10h16M9.500 5v14',
  chart: 'M5 20V10M12 20V4M19 20v-7',
  bell: 'M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15zM10 20.500h4',
  star: 'M12 4l2.400 5 5.600.700-4.100 3.800 1.100 5.500-5-2.700-5 2.700 1.100-5.500L4 9.700 9.600 9z',
  note: 'M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-8l-4 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 8.5v4.5M12 16.5v.01M10.5 4.3 2.6 18a1.7 1.7 0 0 0 1.5 2.5h15.8a1.7 1.7 0 0 0 1.5-2.5L13.5 4.3a1.7 1.7 0 0 0-3 0z',
  arrowUp: 'M12 19V5M6.5 10.5 12 5l5.5 5.5',
  arrowDown: 'M12 5v14M6.5 13.5 12 19l5.5-5.5',
  arrowRight: 'M5 12h14M13.5 6.5 19 12l-5.5 5.5',
  user: 'M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8M5 20c.6-3.6 3.4-5.5 7-5.5s6.400 1.900 7 5.500',
  cloudOff: 'M3.500 3.500l17 17M8 8.200A6 6 0 0 0 6.500 19H17M11 5.200A6 6 0 0 1 17.800 11a4 4 0 0 1 2.700 5.800',
  lock: 'M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM8 11V8a4 4 0 0 1 8 0v3',
  clock: 'M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M12 8v4.300l3 1.700',
  refresh: 'M19.500 11a7.600 7.600 0 0 0-14-3.500M5 4v3.800h3.800M4.500 13a7.600 7.600 0 0 0 14 3.500M19 20v-3.800h-3.800',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, style }: { name: IconName; size?: number; style?: CSSProperties }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'dots' ? 2.6 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      style={{ flex: 'none', ...style }}
    >
      <path d={paths[name]} />
    </svg>
  );
}

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false" style={{ flex: 'none' }}>
      <rect width="32" height="32" rx="8" fill="var(--mark)" />
      <path d="M21.500 11.200a7 7 0 1 0 0 9.600" fill="none" stroke="#fff" strokeWidth="3.400" strokeLinecap="round" />
      <circle cx="22" cy="16" r="2.200" fill="#fff" />
    </svg>
  );
}
