/** The icons: strokes of our own on a grid of 20. They are hidden from screen readers, because a word is always beside them. */

const PATHS = {
  list: 'M3.5 5.5h13M3.5 10h13M3.5 14.5h8',
  plug: 'M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0zM10 15v2.5',
  key: 'M12.5 7.5h.01M8.6 9.6 3.5 14.7V17h2.6v-1.8h1.8v-1.8h1.6l1-1A4.6 4.6 0 1 0 8.6 9.6z',
  pulse: 'M2.5 10h3.2l2-5.5 4.2 11 2.2-5.5h3.4',
  globe:
    'M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0zM3 10h14M10 3c2 2 2.8 4.4 2.8 7s-.8 5-2.8 7c-2-2-2.8-4.4-2.8-7s.8-5 2.8-7z',
  users:
    'M10.5 6.5a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM2 16.5a5.5 5.5 0 0 1 11 0M12.5 3.8a3 3 0 0 1 0 5.4M15 12.3a5.5 5.5 0 0 1 3 4.2',
  log: 'M5 3h7l3.5 3.5V17H5zM8 9.5h4.5M8 13h4.5',
  server: 'M3.5 4h13v5h-13zM3.5 11h13v5h-13zM6.5 6.5h.01M6.5 13.5h.01',
  person: 'M13.5 7a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0zM3.5 17.5a6.5 6.5 0 0 1 13 0',
  sliders: 'M3.5 6h7M14 6h2.5M12 4v4M3.5 14H6M9.5 14h7M7.5 12v4',
  more: 'M4.5 10h.01M10 10h.01M15.5 10h.01',
  copy: 'M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7',
  check: 'm4 10.5 4 4 8-9',
  close: 'm5 5 10 10M15 5 5 15',
  search: 'M14 8.5a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM12.6 12.6 17 17',
  up: 'm5 12 5-5 5 5',
  down: 'm5 8 5 5 5-5',
  right: 'm8 5 5 5-5 5',
  left: 'm12 5-5 5 5 5',
  plus: 'M10 4v12M4 10h12',
  pause: 'M7 4.5v11M13 4.5v11',
  play: 'M6.5 4.5v11l9-5.5z',
  warning: 'M10 3 18 16.5H2zM10 8.5v3.5M10 14.3h.01',
  info: 'M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0zM10 9.5v4M10 6.7h.01',
  home: 'm3 9.5 7-6 7 6M5 8.5V16.5h10V8.5',
  mail: 'M3 5h14v10.5H3zM3 6l7 5.5L17 6',
  leave: 'M12 4H4v12h8M9 10h8.5M14.5 7l3 3-3 3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  const isDots = name === 'more';
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width={isDots ? 2.6 : 1.6}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
