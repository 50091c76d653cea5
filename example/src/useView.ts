/** The address is where the view lives: back and forward go through what was looked at. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { formatView, parseView, type View } from "./view.js";

function subscribe(onChange: () => void): () => void {
  window.addEventListener("popstate", onChange);
  return () => window.removeEventListener("popstate", onChange);
}

export function useView(): [View, (change: Partial<View>) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const view = useMemo(() => parseView(search), [search]);
  const change = useCallback((change: Partial<View>) => {
    const next = formatView({ ...parseView(location.search), ...change });
    history.pushState(null, "", `${location.pathname}${next}`);
    // Nobody is told of a `pushState`.
    window.dispatchEvent(new PopStateEvent("popstate"));
  }, []);
  return [view, change];
}
