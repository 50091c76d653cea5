import { useConnection } from "./online.js";
import { NoticeLine } from "./notice.js";
import { clockTime } from "./times.js";

/** Stays in view. What a button did is told here, in room that is always kept: it covers no row. */
export function Masthead() {
  const connection = useConnection();
  return (
    <header className="masthead">
      <div className="masthead-inner">
        <img src="/icon.svg" alt="" width="32" height="32" />
        <h1>Relay</h1>
        <NoticeLine idle="Webhooks in, deliveries out, nothing lost in between." />
        <p
          className="connection"
          role="status"
          aria-label="Connection"
          data-state={connection.state}
        >
          {LABELS[connection.state]}
        </p>
      </div>
      {connection.state === "lost" && (
        <p className="lost" role="alert">
          Not connected since {clockTime(connection.since)}. The page shows what
          was known then; its buttons wait until Relay is reached again.
        </p>
      )}
    </header>
  );
}

const LABELS = {
  live: "Live",
  connecting: "Connecting …",
  lost: "Reconnecting …",
};
