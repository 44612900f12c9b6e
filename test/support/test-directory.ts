// A directory for one test, removed when the test is over, however it ends.
import { onTestFinished } from 'vitest';
import { freshDirectory } from './primary-server.ts';
import { removeNow } from './process.ts';

/** Makes a directory; to be called inside of a test. It goes after the hooks of afterEach have run. */
export function testDirectory(prefix: string): string {
  const directory = freshDirectory(prefix);
  onTestFinished(() => removeNow(directory));
  return directory;
}
