import { useMutation, useQuery } from "convex/react";
import { useId } from "react";
import { api } from "../convex/_generated/api.js";
import { useNotices } from "./notice.js";

const CHOICES = [1, 2, 5, 10, 20, 50, 100];

/** How fast the pool works, and whether it works at all. */
export function PoolControls() {
  const settings = useQuery(api.settings.get);
  const update = useMutation(api.settings.update).withOptimisticUpdate(
    (store, changes) => {
      const current = store.getQuery(api.settings.get, {});
      if (current) {
        store.setQuery(api.settings.get, {}, { ...current, ...changes });
      }
    },
  );
  const { attempt } = useNotices();
  const selectId = useId();
  const paused = settings?.paused ?? false;
  const parallelism = settings?.parallelism;
  return (
    <section className="panel" aria-labelledby={`${selectId}-title`}>
      <h2 id={`${selectId}-title`}>Pool</h2>
      <div className="row">
        <label htmlFor={selectId}>At once</label>
        <select
          id={selectId}
          disabled={!settings}
          value={parallelism ?? ""}
          onChange={(event) => {
            const chosen = Number(event.target.value);
            void attempt(`Up to ${chosen} deliveries at once`, () =>
              update({ parallelism: chosen }),
            );
          }}
        >
          {choicesWith(parallelism).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
        <button
          type="button"
          disabled={!settings}
          className={paused ? "primary" : undefined}
          onClick={() =>
            void attempt(paused ? "Resumed" : "Paused", () =>
              update({ paused: !paused }),
            )
          }
        >
          {paused ? "Resume" : "Pause"}
        </button>
      </div>
      <p className="hint">
        {paused
          ? "Paused: running attempts finish, nothing new starts."
          : "Deliveries running at the same time, over all endpoints."}
      </p>
    </section>
  );
}

function choicesWith(current: number | undefined): number[] {
  return current === undefined || CHOICES.includes(current)
    ? CHOICES
    : [...CHOICES, current].sort((a, b) => a - b);
}
