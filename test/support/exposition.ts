// Reads the text format of Prometheus (0.0.4) strictly: every line has to be a comment or a sample.
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"(?:,|(?=\\})))*\\})? (NaN|[+-]?Inf|-?[0-9.]+(?:e[+-]?\\d+)?)$`,
);
const COMMENT = new RegExp(`^# (?:HELP (${NAME}) [^\\n]+|TYPE (${NAME}) (counter|gauge|histogram|summary|untyped))$`);

/**
 * Values by sample, `name{label="value"}` as it is written.
 * @throws Error for a line that is neither, a sample without a type before it, or one that is there twice
 */
export function parseExposition(text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const samples = new Map<string, number>();
  const types = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = COMMENT.exec(line);
    if (comment !== null) {
      if (comment[2] !== undefined) types.add(comment[2]);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`no sample and no comment: ${line}`);
    const [, name, value] = sample as unknown as [string, string, string];
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, ''))) throw new Error(`no type: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    if (samples.has(key)) throw new Error(`twice: ${key}`);
    samples.set(key, value.endsWith('Inf') ? Number(value.replace('Inf', 'Infinity')) : Number(value));
  }
  return samples;
}
