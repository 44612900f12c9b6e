/** A directory for one test, which is removed when the test has ended. */
import { onTestFinished } from 'vitest';
import { freshDirectory } from './primary-server.ts';
import { removeNow } from './process.ts';

/** Creates a directory. Call it in a test: the directory is removed after the afterEach hooks. */
export function testDirectory(prefix: string): string {
  const directory = freshDirectory(prefix);
  onTestFinished(() => removeNow(directory));
  return directory;
}
