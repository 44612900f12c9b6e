/**
 * How the dashboard is built (scripts/web.mjs). All URLs are relative, so that it works below any path; nothing is inlined and no
 * script is added to the page, because the Content Security Policy allows neither.
 */
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
