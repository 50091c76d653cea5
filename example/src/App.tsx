import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { Deliveries } from "./Deliveries.js";
import { Endpoints } from "./Endpoints.js";
import { Masthead } from "./Masthead.js";
import { PoolControls } from "./PoolControls.js";
import { SendPanel } from "./SendPanel.js";
import { Summary } from "./Summary.js";

export function App() {
  const endpoints = useQuery(api.endpoints.list);
  return (
    <>
      <Masthead />
      <main>
        <section className="panels" aria-label="Controls">
          <PoolControls endpoints={endpoints} />
          <SendPanel />
        </section>
        <Summary endpoints={endpoints} />
        <Endpoints endpoints={endpoints} />
        <Deliveries endpoints={endpoints} />
      </main>
    </>
  );
}
