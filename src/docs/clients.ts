/**
 * The settings in docs/clients, from the table of devices. The rest of a page is written by hand: each part between
 * `<!-- npm run docs: ID -->` and `<!-- end -->` is a section of the device, or its `warnings`.
 */

import type { Field, Instructions, Section } from '../core/devices/device.ts';
import { instructionsFor } from '../core/devices/device.ts';
import { DEVICES } from '../core/devices/devices.ts';

const EXAMPLE = { server: 'https://dyndns.example.com', host: 'home.dyndns.example.com', tokenName: 'home' };
const WIDTH = 128;

/** The pages with such parts: paths from the root of the project. */
export const CLIENT_PAGES: readonly string[] = DEVICES.map(({ page }) => `docs/clients/${page}`);

/**
 * The page with its parts as the table says.
 * @throws Error if a part of the device is not there exactly once, or a marker names none
 */
export function clientPage(page: string, path: string): string {
  const device = DEVICES.find((row) => path.endsWith(`/${row.page}`));
  if (device === undefined) throw new Error(`${path} is not the page of a device`);
  const parts = partsOf(instructionsFor(device, EXAMPLE));
  const seen = new Set<string>();
  const text = page.replaceAll(/^<!-- npm run docs: (.+) -->\n[\s\S]*?<!-- end -->$/gm, (_, id: string) => {
    const part = parts.get(id);
    if (part === undefined) throw new Error(`${path}: '${device.id}' has no section '${id}'`);
    if (seen.has(id)) throw new Error(`${path} has the section '${id}' twice`);
    seen.add(id);
    return `<!-- npm run docs: ${id} -->\n${part}\n<!-- end -->`;
  });
  const missing = [...parts.keys()].filter((id) => !seen.has(id));
  if (missing.length > 0) throw new Error(`${path} lacks the sections ${missing.join(', ')}`);
  return text;
}

function partsOf({ sections, warnings }: Instructions): ReadonlyMap<string, string> {
  const parts = new Map(sections.map((section) => [section.id, sectionMarkdown(section)]));
  return parts.set('warnings', warnings.map((warning) => wrap(`- ${warning}`, '  ')).join('\n'));
}

function sectionMarkdown(section: Section): string {
  const title = wrap(`${section.title}:`);
  if (section.kind === 'text') return `${title}\n\n\`\`\`${section.id}\n${section.text}\`\`\``;
  const rows = section.fields.map((field) => `| ${field.name} | ${cell(field)} |`);
  return `${title}\n\n| field | |\n|---|---|\n${rows.join('\n')}`;
}

function cell({ value, isChoice, note, text }: Field): string {
  if (text !== undefined) return 'see below';
  return `${isChoice ? value.replaceAll('*', '\\*') : `\`${value}\``}${note === undefined ? '' : ` (${note})`}`;
}

/** Lines of at most WIDTH characters. */
function wrap(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
