/**
 * The screens: path, place in the navigation, who may see it, and the module that is loaded when it is opened. The first row whose
 * path fits is shown. `:name` is one part of the path, which the screen gets in its `params`.
 */
import type { ComponentType } from 'preact';
import type { IconName } from './components/icons.tsx';
import type { ScreenProps } from './screen-props.ts';
import { texts } from './texts.ts';

export interface Screen {
  /** `hosts/:host`; the empty text is the first screen. */
  readonly path: string;
  readonly load: () => Promise<{ readonly default: ComponentType<ScreenProps> }>;
  readonly onlyAdmin?: true;
  /** Without the frame: it has its own. */
  readonly isBare?: true;
  readonly nav?: {
    readonly title: string;
    readonly icon: IconName;
    readonly group: 'names' | 'server';
    /** In the bar of a narrow screen; the others are behind "More". */
    readonly isMain?: true;
  };
  /** The path of the navigation's entry that is marked, if it is not its own. */
  readonly below?: string;
}

const { nav } = texts.shell;

export const SCREENS: readonly Screen[] = [
  {
    path: '',
    load: () => import('./screens/overview.tsx'),
    nav: { title: nav.overview, icon: 'list', group: 'names', isMain: true },
  },
  { path: 'hosts/:host', load: () => import('./screens/host.tsx'), below: '' },
  { path: 'hosts/:host/site', load: () => import('./screens/site.tsx'), below: '' },
  {
    path: 'start',
    load: () => import('./screens/setup/start.tsx'),
    isBare: true,
  },
  {
    path: 'connect',
    load: () => import('./screens/connect.tsx'),
    nav: { title: nav.connect, icon: 'plug', group: 'names', isMain: true },
  },
  { path: 'connect/:host', load: () => import('./screens/connect.tsx'), below: 'connect' },
  { path: 'connect/:host/:client', load: () => import('./screens/connect.tsx'), below: 'connect' },
  {
    path: 'tokens',
    load: () => import('./screens/tokens.tsx'),
    nav: { title: nav.tokens, icon: 'key', group: 'names', isMain: true },
  },
  {
    path: 'live',
    load: () => import('./screens/live.tsx'),
    nav: { title: nav.live, icon: 'pulse', group: 'names', isMain: true },
  },
  {
    path: 'zones',
    load: () => import('./screens/zones.tsx'),
    onlyAdmin: true,
    nav: { title: nav.zones, icon: 'globe', group: 'server' },
  },
  { path: 'zones/:zone', load: () => import('./screens/zone.tsx'), onlyAdmin: true, below: 'zones' },
  {
    path: 'users',
    load: () => import('./screens/users.tsx'),
    onlyAdmin: true,
    nav: { title: nav.users, icon: 'users', group: 'server' },
  },
  {
    path: 'audit',
    load: () => import('./screens/audit.tsx'),
    onlyAdmin: true,
    nav: { title: nav.audit, icon: 'log', group: 'server' },
  },
  {
    path: 'configuration',
    load: () => import('./screens/configuration.tsx'),
    onlyAdmin: true,
    nav: { title: nav.configuration, icon: 'sliders', group: 'server' },
  },
  {
    path: 'server',
    load: () => import('./screens/server.tsx'),
    onlyAdmin: true,
    nav: { title: nav.server, icon: 'server', group: 'server' },
  },
  {
    path: 'account',
    load: () => import('./screens/account.tsx'),
  },
];

export interface FoundScreen {
  readonly screen: Screen;
  readonly params: Readonly<Record<string, string>>;
}

export function findScreen(parts: readonly string[], isAdmin: boolean): FoundScreen | undefined {
  for (const screen of SCREENS) {
    if (screen.onlyAdmin && !isAdmin) continue;
    const params = matchPath(screen.path, parts);
    if (params !== undefined) return { screen, params };
  }
  return undefined;
}

function matchPath(path: string, parts: readonly string[]): Record<string, string> | undefined {
  const pattern = path.split('/').filter(Boolean);
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = parts[index]!;
    else if (part !== parts[index]) return undefined;
  }
  return params;
}
