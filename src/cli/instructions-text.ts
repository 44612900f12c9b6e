/** The settings of a device as text for a terminal: aligned fields, and files and URLs on lines of their own to copy. */
import type { FieldsSection, Instructions, TextSection } from '../core/devices/device.ts';
import { wrapText } from './table.ts';

const WIDTH = 79;

export function formatInstructions({ title, page, sections, warnings }: Instructions): string {
  // The value of a field is in its row.
  const shown = new Set(
    sections.flatMap((section) => (section.kind === 'fields' ? section.fields.flatMap(({ text }) => text ?? []) : [])),
  );
  const parts = sections
    .filter((section) => section.kind === 'fields' || !shown.has(section.id))
    .map((section) => (section.kind === 'fields' ? formatFields(section) : formatText(section)));
  const notes = warnings.map((warning) => wrap(`- ${warning}`, '  '));
  return `${wrap(`Settings for ${title}. ${page} has more about it.`)}

${parts.join('\n')}
Note:
${notes.join('\n')}
`;
}

function formatFields({ title, fields }: FieldsSection): string {
  const width = Math.max(...fields.map(({ name }) => name.length));
  const rows = fields.map(
    ({ name, value, note }) => `  ${name.padEnd(width)}  ${value}${note === undefined ? '' : ` (${note})`}\n`,
  );
  return `${wrap(`${title}:`)}\n\n${rows.join('')}`;
}

function formatText({ title, text, file, mode }: TextSection): string {
  const isNamed = file !== undefined && title.includes(file);
  const extra = [
    ...(file !== undefined && !isNamed ? [file] : []),
    ...(mode !== undefined && !/mode|chmod/.test(title) ? [`mode ${mode}`] : []),
  ].join(', ');
  return `${wrap(`${title}${extra === '' ? '' : ` (${extra})`}:`)}\n\n${text}`;
}

function wrap(text: string, indent = ''): string {
  return wrapText(text, WIDTH - indent.length).join(`\n${indent}`);
}
