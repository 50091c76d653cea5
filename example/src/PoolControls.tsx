import { useMutation, useQuery } from "convex/react";
import { useId, useState } from "react";
import { api } from "../convex/_generated/api.js";
import { pendingOf, total } from "./counts.js";
import { useNotices } from "./notice.js";
import { ActButton, useOnline } from "./online.js";
import { poolSentence } from "./poolSentence.js";
import type { Endpoint } from "./types.js";
import { counted, deliveries } from "./words.js";

const CHOICES = [1, 2, 5, 10, 20, 50, 100];

/** How fast the pool works, whether it works at all, and what it is at. */
export function PoolControls({
  endpoints,
}: {
  endpoints: Endpoint[] | undefined;
}) {
  const settings = useQuery(api.settings.get);
  const id = useId();
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Pool</h2>
      <div className="row">
        <Parallelism current={settings?.parallelism} />
        <PauseButton paused={settings?.paused} />
      </div>
      {settings && endpoints && (
        <PoolNow settings={settings} endpoints={endpoints} />
      )}
    </section>
  );
}

function Parallelism({ current }: { current: number | undefined }) {
  const id = useId();
  const update = useMutation(api.settings.update);
  const isOnline = useOnline();
  const { attempt } = useNotices();
  // Shown until the answer is there: then what is so, whichever it is.
  const [chosen, setChosen] = useState<number>();
  const choose = async (parallelism: number) => {
    setChosen(parallelism);
    await attempt(`Up to ${deliveries(parallelism)} at once`, () =>
      update({ parallelism }),
    );
    setChosen(undefined);
  };
  const value = chosen ?? current;
  return (
    <>
      <label htmlFor={id}>At once</label>
      <select
        id={id}
        disabled={value === undefined || !isOnline}
        value={value ?? ""}
        onChange={(event) => void choose(Number(event.target.value))}
      >
        {choicesWith(value).map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </>
  );
}

function PauseButton({ paused }: { paused: boolean | undefined }) {
  const update = useMutation(api.settings.update);
  const { attempt } = useNotices();
  return (
    <ActButton
      disabled={paused === undefined}
      className={paused ? "primary" : undefined}
      onClick={() =>
        void attempt(paused ? "Resumed" : "Paused", () =>
          update({ paused: !paused }),
        )
      }
    >
      {paused ? "Resume" : "Pause"}
    </ActButton>
  );
}

function PoolNow({
  settings,
  endpoints,
}: {
  settings: { parallelism: number; paused: boolean };
  endpoints: Endpoint[];
}) {
  const now = useQuery(api.status.now);
  if (!now) return null;
  const { parallelism: limit, paused } = settings;
  const { running, claimed, facts, problems } = now;
  const pending = pendingOf(total(endpoints.map(({ counts }) => counts)));
  return (
    <>
      <meter
        aria-label="Running"
        max={limit}
        value={Math.min(running, limit)}
      />
      <p className="pool-now">
        {poolSentence({ limit, paused, running, claimed, pending })}
      </p>
      {paused && (
        <p className="hint">
          Paused: attempts that run finish, and nothing new starts.
        </p>
      )}
      {facts.length > 0 && (
        <details className="hint">
          <summary>{counted(facts.length, "note")} on the pool</summary>
          {facts.map((fact) => (
            <p key={fact}>{fact}</p>
          ))}
        </details>
      )}
      {problems.map((problem) => (
        <p key={problem} className="problem">
          {problem}
        </p>
      ))}
    </>
  );
}

function choicesWith(current: number | undefined): number[] {
  return current === undefined || CHOICES.includes(current)
    ? CHOICES
    : [...CHOICES, current].sort((a, b) => a - b);
}
