/** What each screen is given of its URL. */
export interface ScreenProps {
  /** The parts of the path that the row of screens.ts names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}
