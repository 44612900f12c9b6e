/** A strict parser for the text format of Prometheus (0.0.4): every line must be a comment or a sample. */
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"(?:,|(?=\\})))*\\})? (NaN|[+-]?Inf|-?[0-9.]+(?:e[+-]?\\d+)?)$`,
);
const COMMENT = new RegExp(`^# (?:HELP (${NAME}) [^\\n]+|TYPE (${NAME}) (counter|gauge|histogram|summary|untyped))$`);

/**
 * Returns the values by sample, with the key `name{label="value"}`.
 * @throws Error for an invalid line, a sample without a TYPE line before it, or a duplicate
 */
export function parseExposition(text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('The last line has no line end.');
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
    if (sample === null) throw new Error(`Not a sample or a comment: ${line}`);
    const [, name, value] = sample as unknown as [string, string, string];
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, '')))
      throw new Error(`No TYPE before: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    if (samples.has(key)) throw new Error(`Duplicate: ${key}`);
    samples.set(key, value.endsWith('Inf') ? Number(value.replace('Inf', 'Infinity')) : Number(value));
  }
  return samples;
}
