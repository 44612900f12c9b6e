/** How the formats of client files and of shells write a text so that they read it back unchanged. */

/** A word of sh: `'it'\''s'`. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A value of a curl configuration file (`-K`): in quotes, with backslashes. */
export function curlText(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * A value of inadyn.conf (libConfuse): plain where it has no special character, else in quotes, in which `${NAME}` is the
 * environment.
 */
export function inadynText(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `"${text.replace(/[\\"$]/g, '\\$&')}"`;
}

/** The value of `password=` of ddclient. It reads up to the last quote of the line and has no escapes. */
export function ddclientPassword(text: string): string {
  return `'${text}'`;
}

/** A value of an OpenWrt UCI file, which quotes as sh does. */
export function uciText(text: string): string {
  return shellWord(text);
}

/** A string of RouterOS. `?` is escaped because the terminal would show help. */
export function routerosText(text: string): string {
  return `"${text.replace(/[\\"$?]/g, '\\$&')}"`;
}

/** A token of .netrc (Python): plain where it has no special character, else in quotes, with backslashes. */
export function netrcText(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : curlText(text);
}

/** A scalar of YAML: JSON strings are YAML, too. */
export function yamlText(text: string): string {
  return JSON.stringify(text);
}

/** A command in a crontab, where `%` ends the command. */
export function crontabCommand(text: string): string {
  return text.replaceAll('%', '\\%');
}

/** A value in a query, or user and password in a URL. */
export function urlText(text: string): string {
  return encodeURIComponent(text).replace(/['()*!]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
