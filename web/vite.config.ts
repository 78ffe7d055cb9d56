import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { only } from './build/parts.ts';
import { compiledEagerly, licences, parts, worker } from './build/plugins.ts';

// While developing (`npm run dev`), a chat_server answers what the page asks of its origin.
const server = process.env.PARLOR_SERVER ?? 'http://127.0.0.1:8080';
const paths = ['/session', '/login', '/register', '/logout', '/export', '/healthz'];
// The server compares Origin with the host it is asked for, so both are told to be its own.
const proxied = { target: server, changeOrigin: true, headers: { origin: new URL(server).origin } };

export default defineConfig({
  plugins: [svelte(), parts(), compiledEagerly(), worker(), licences()],
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // No file is put into another as data: the Content-Security-Policy names no such sources for scripts and styles.
    assetsInlineLimit: 0,
    // A part's own file is among those that it waits for, also where it is the only one (src/part.ts).
    modulePreload: { polyfill: false, resolveDependencies: (file, files, { hostType }) => (hostType === 'js' ? [...new Set([...files, file])] : files) },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What everyone needs is one file, and what those who are in need, too, another: in thirty it would be a tenth larger, and
          // thirty times asked for.
          groups: [
            { name: (id, modules) => only('page', id, modules), debugName: 'page', priority: 2 },
            { name: (id, modules) => only('inside', id, modules), debugName: 'inside', priority: 1 },
          ],
        },
      },
    },
    reportCompressedSize: false,
    // Tells the server, and `npm run size`, which files those are.
    manifest: true,
  },
  server: {
    proxy: {
      ...Object.fromEntries(paths.map((path) => [path, proxied])),
      '/ws': { ...proxied, ws: true },
    },
  },
});
