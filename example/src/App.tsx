import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { ConnectionState } from "./ConnectionState.js";
import { Deliveries } from "./Deliveries.js";
import { Endpoints } from "./Endpoints.js";
import { PoolControls } from "./PoolControls.js";
import { SendPanel } from "./SendPanel.js";
import { Summary } from "./Summary.js";

export function App() {
  const endpoints = useQuery(api.endpoints.list);
  return (
    <>
      <header className="masthead">
        <div className="masthead-inner">
          <img src="/icon.svg" alt="" width="32" height="32" />
          <div>
            <h1>Relay</h1>
            <p>Webhooks in, deliveries out, nothing lost in between.</p>
          </div>
          <ConnectionState />
        </div>
      </header>
      <main>
        <section className="panels" aria-label="Controls">
          <PoolControls />
          <SendPanel />
        </section>
        <Summary endpoints={endpoints} />
        <Endpoints endpoints={endpoints} />
        <Deliveries endpoints={endpoints} />
      </main>
    </>
  );
}
