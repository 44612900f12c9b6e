/** The frame around the screens: navigation, the menu of the user, the link past both, and whether the server answers. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './components/icons.tsx';
import { Banner } from './components/states.tsx';
import { toast } from './components/toast.tsx';
import { isServerAway, useEvents } from './events.ts';
import mark from './mark.svg';
import { useAction } from './operation.ts';
import { problemText } from './problem-text.ts';
import { href } from './router.ts';
import { SCREENS, type Screen } from './screens.ts';
import { isAdmin, me, signOut } from './session.ts';
import { texts } from './texts.ts';
import { chooseTheme, type Theme, theme } from './theme.ts';

const t = texts.shell;

interface ShellProps {
  readonly current: Screen | undefined;
  readonly children: ComponentChildren;
}

export function Shell({ current, children }: ShellProps) {
  const main = useRef<HTMLElement>(null);
  return (
    <>
      <button type="button" class="skip-link" onClick={() => main.current?.focus()}>
        {t.skip}
      </button>
      <div class="shell">
        <header class="shell-side">
          <Brand />
          <Nav current={current} />
          <UserMenu />
        </header>
        <main ref={main} class="shell-main" tabIndex={-1}>
          <Connection />
          {children}
        </main>
        <Bar current={current} />
      </div>
    </>
  );
}

const NO_LISTENER = {};

/** Keeps a stream open on every screen: its end shows that the session has ended, or that the server is away. */
function Connection() {
  useEvents(NO_LISTENER);
  return (
    <div role="status" class="shell-connection">
      {isServerAway.value && (
        <Banner tone="warn" title={t.away.title}>
          {t.away.text}
        </Banner>
      )}
    </div>
  );
}

export function Brand() {
  return (
    <a class="brand" href="#/">
      <img src={mark} alt="" width="28" height="28" />
      {t.product}
    </a>
  );
}

function visibleScreens(): readonly Screen[] {
  return SCREENS.filter(({ nav, onlyAdmin }) => nav !== undefined && (!onlyAdmin || isAdmin()));
}

function Nav({ current }: { readonly current: Screen | undefined }) {
  const screens = visibleScreens();
  return (
    <nav class="nav" aria-label={t.navigation}>
      {(['names', 'server'] as const).map((group) => {
        const own = screens.filter(({ nav }) => nav?.group === group);
        if (own.length === 0) return null;
        return (
          <div key={group} class="nav-group">
            {group === 'server' && <p class="nav-title">{t.groups.server}</p>}
            <ul>
              {own.map((screen) => (
                <li key={screen.path}>
                  <NavLink screen={screen} current={current} />
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

function NavLink({ screen, current, onClick }: { screen: Screen; current: Screen | undefined; onClick?: () => void }) {
  const isCurrent = current !== undefined && screen.path === (current.below ?? current.path);
  return (
    <a
      class="nav-link"
      href={href(screen.path.split('/').filter(Boolean))}
      aria-current={isCurrent ? 'page' : undefined}
      onClick={onClick}
    >
      <Icon name={screen.nav!.icon} />
      {screen.nav!.title}
    </a>
  );
}

/** The bar at the bottom of a narrow screen. */
function Bar({ current }: { readonly current: Screen | undefined }) {
  const screens = visibleScreens();
  const others = screens.filter(({ nav }) => nav?.isMain !== true);
  const isOpen = useSignal(false);
  return (
    <nav class="shell-bar" aria-label={t.barNavigation}>
      {screens
        .filter(({ nav }) => nav?.isMain === true)
        .map((screen) => (
          <NavLink key={screen.path} screen={screen} current={current} />
        ))}
      {others.length > 0 && (
        <Menu
          isOpen={isOpen.value}
          onOpen={(open) => (isOpen.value = open)}
          class="nav-link"
          button={
            <>
              <Icon name="more" />
              {t.more}
            </>
          }
        >
          {others.map((screen) => (
            <NavLink key={screen.path} screen={screen} current={current} onClick={() => (isOpen.value = false)} />
          ))}
        </Menu>
      )}
    </nav>
  );
}

interface MenuProps {
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
  readonly class: string;
  readonly button: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A button that shows a panel. Escape, and a click elsewhere, close it. */
function Menu({ isOpen, onOpen, class: look, button, children }: MenuProps) {
  const frame = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const closeElsewhere = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) onOpen(false);
    };
    const closeByKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      onOpen(false);
      opener.current?.focus();
    };
    document.addEventListener('pointerdown', closeElsewhere);
    document.addEventListener('focusin', closeElsewhere);
    document.addEventListener('keydown', closeByKey);
    return () => {
      document.removeEventListener('pointerdown', closeElsewhere);
      document.removeEventListener('focusin', closeElsewhere);
      document.removeEventListener('keydown', closeByKey);
    };
  }, [isOpen, onOpen]);
  return (
    <div class="menu" ref={frame}>
      <button ref={opener} type="button" class={look} aria-expanded={isOpen} onClick={() => onOpen(!isOpen)}>
        {button}
      </button>
      {isOpen && <div class="menu-panel">{children}</div>}
    </div>
  );
}

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

function UserMenu() {
  const isOpen = useSignal(false);
  const { user } = me();
  const leave = useAction(signOut);
  useEffect(() => {
    if (leave.error !== undefined) toast(problemText(leave.error).text);
  }, [leave.error]);
  const close = () => (isOpen.value = false);
  return (
    <Menu
      isOpen={isOpen.value}
      onOpen={(open) => (isOpen.value = open)}
      class="nav-link menu-button"
      button={
        <>
          <Icon name="person" />
          <span class="menu-name">{user.name}</span>
        </>
      }
    >
      <p class="menu-user small soft">{t.signedInAs(user.name, texts.roles[user.role])}</p>
      <fieldset>
        <legend class="hidden-text">{t.theme}</legend>
        <div class="theme-choice">
          {THEMES.map((one) => (
            <label key={one}>
              <input type="radio" name="theme" checked={theme.value === one} onChange={() => chooseTheme(one)} />
              {t.themes[one]}
            </label>
          ))}
        </div>
      </fieldset>
      <a class="nav-link" href={href(['account'])} onClick={close}>
        <Icon name="person" />
        {t.account}
      </a>
      <button type="button" class="nav-link" onClick={() => void leave.run()}>
        <Icon name="leave" />
        {t.signOut}
      </button>
    </Menu>
  );
}
