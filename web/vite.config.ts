import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.CELEK_URL ?? 'http://127.0.0.1:8099';

export default defineConfig({
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    // The server takes writes from its own pages only: to it, this one is its own.
    proxy: { '/api': { target: server, changeOrigin: true, headers: { origin: server } } },
  },
  build: {
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
  },
  test: { environment: 'node', include: ['test/**/*.test.ts'] },
});
