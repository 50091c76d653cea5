import { total, pendingOf } from "./counts.js";
import type { Endpoint } from "./types.js";

export function Summary({ endpoints }: { endpoints: Endpoint[] | undefined }) {
  const counts = total((endpoints ?? []).map((endpoint) => endpoint.counts));
  const figures = [
    { label: "Pending", value: pendingOf(counts), tone: "open" },
    { label: "Delivered", value: counts.success, tone: "success" },
    { label: "Failed", value: counts.failed, tone: "failed" },
    { label: "Canceled", value: counts.canceled, tone: "canceled" },
  ];
  return (
    <dl className="summary" aria-label="All deliveries">
      {figures.map(({ label, value, tone }) => (
        <div key={label} data-tone={tone}>
          <dt>{label}</dt>
          <dd>{endpoints ? value.toLocaleString("en") : "–"}</dd>
        </div>
      ))}
    </dl>
  );
}
