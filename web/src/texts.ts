/**
 * All English texts of the dashboard, by screen, so that it can be translated. Words are those of a person who owns a router, not
 * those of the code. Texts with a value are functions.
 */
export const texts = {
  common: {
    address: 'address',
    cancel: 'Cancel',
    close: 'Close',
    copied: 'Copied.',
    copy: (what: string) => `Copy ${what}`,
    copyFailed: 'The browser did not allow copying. Select the text and copy it.',
    enterToConfirm: (word: string) => `Enter ${word} to confirm`,
    loading: 'Loading',
    next: 'Next',
    previous: 'Previous',
    retry: 'Try again',
    save: 'Save',
  },
  time: {
    now: 'just now',
    ago: (duration: string) => `${duration} ago`,
    ahead: (duration: string) => `in ${duration}`,
    units: {
      year: ['year', 'years'],
      month: ['month', 'months'],
      day: ['day', 'days'],
      hour: ['hour', 'hours'],
      minute: ['minute', 'minutes'],
      second: ['second', 'seconds'],
    } as const satisfies Record<string, readonly [string, string]>,
  },
  roles: { admin: 'administrator', member: 'member' },
  problems: {
    noReply: {
      title: 'The server does not answer',
      text: 'Check that it runs and that this device is online. What is shown may be out of date.',
    },
    changedMeanwhile: {
      title: 'This was changed meanwhile',
      text: 'Someone else, or another tab, changed it after you opened it. Load it again, check it, and repeat your change.',
    },
    internal: {
      title: 'The server made a mistake',
      text: 'Nothing that you entered is wrong. The log of the server says what happened.',
    },
    page: { title: 'This page made a mistake' },
    titles: {
      'not-permitted': 'You may not do this',
      'quota-exceeded': 'Your limit is reached',
      'too-many-guesses': 'Too many wrong attempts',
      'rate-limited': 'Too many requests',
      'primary-unreachable': 'Your nameserver does not answer',
      'primary-refused': 'Your nameserver refused the change',
      'primary-key-rejected': 'Your nameserver rejected the key',
      'store-unreachable': 'The database does not answer',
    },
    request: (id: string) => `Request ${id}`,
    status: (status: number) => `The server answered with status ${status}.`,
    unknown: 'That did not work',
    wait: (duration: string) => `Wait ${duration}.`,
  },
  shell: {
    product: 'dyndns',
    skip: 'Skip to the content',
    navigation: 'Main',
    barNavigation: 'Main, short',
    groups: { server: 'Server' },
    more: 'More',
    nav: {
      overview: 'Names',
      connect: 'Connect',
      tokens: 'Tokens',
      live: 'Live',
      zones: 'Zones',
      users: 'Users',
      audit: 'Audit',
      webhooks: 'Webhooks',
      configuration: 'Configuration',
      about: 'About',
    },
    account: 'Your account',
    signOut: 'Sign out',
    signedInAs: (name: string, role: string) => `${name}, ${role}`,
    theme: 'Colours',
    themes: { auto: 'Auto', light: 'Light', dark: 'Dark' },
    unknownScreen: {
      title: 'Not found',
      text: 'There is no such screen, or you may not see it.',
      action: 'Go to your names',
    },
    screenFailed: 'This screen could not be loaded. The server may have been upgraded.',
    reloadPage: 'Load the page again',
  },
  overview: {
    title: 'Names',
  },
  account: {
    title: 'Your account',
  },
  signIn: {
    title: 'Sign in',
  },
} as const;
