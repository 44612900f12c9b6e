/** How often a change of keys (key-procedure.ts) looks whether it can continue. */
export interface ProcedurePace {
  /** Interval in which waits are looked at. */
  readonly tickMs: number;
  /** Interval of the queries to the parent: the first, and the one that it grows to with the length of the wait. */
  readonly pollSeconds: number;
  readonly slowestPollSeconds: number;
  /** Assumed for a DS that was never seen. */
  readonly unseenDsTtl: number;
}

export const PACE: ProcedurePace = {
  tickMs: 30_000,
  pollSeconds: 300,
  slowestPollSeconds: 3_600,
  unseenDsTtl: 86_400,
};
