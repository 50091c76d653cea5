/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly VITE_CONVEX_URL: string;
  /** The demo's stand-in for GitHub. Without it the page cannot send events. */
  readonly VITE_SENDER_URL?: string;
}
