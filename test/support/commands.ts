/** Runs commands on one configuration file, which must succeed or must fail. */
import { runDyndns } from './dyndns.ts';

export interface Commands {
  /** Returns the standard output of a command that must succeed. */
  run(...args: readonly string[]): Promise<string>;
  /** The same with --json, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests access its fields
  json(...args: readonly string[]): Promise<any>;
  /** Returns the exit code and error output of a command that must fail. */
  fail(...args: readonly string[]): Promise<readonly [code: number, stderr: string]>;
}

export function commandsOf(configFile: string, env: NodeJS.ProcessEnv = process.env): Commands {
  const start = (args: readonly string[]) => runDyndns(['-c', configFile, ...args], { env });
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await start(args);
    if (code !== 0) throw new Error(`dyndns ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    run,
    json: async (...args) => JSON.parse(await run(...args, '--json')),
    async fail(...args) {
      const { code, stdout, stderr } = await start(args);
      if (code === 0) throw new Error(`dyndns ${args.join(' ')} succeeded:\n${stdout}`);
      return [code, stderr];
    },
  };
}
