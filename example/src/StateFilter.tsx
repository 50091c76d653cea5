import { useId } from "react";
import type { DeliveryState } from "./types.js";

const CHOICES: Array<{ label: string; state: DeliveryState | undefined }> = [
  { label: "All", state: undefined },
  { label: "Pending", state: "open" },
  { label: "Delivered", state: "success" },
  { label: "Failed", state: "failed" },
  { label: "Canceled", state: "canceled" },
];

/** Radio buttons: arrow keys move between them without a line of code. */
export function StateFilter({
  value,
  onChange,
}: {
  value: DeliveryState | undefined;
  onChange: (state: DeliveryState | undefined) => void;
}) {
  const group = useId();
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">State</legend>
      {CHOICES.map(({ label, state }) => (
        <label key={label}>
          <input
            type="radio"
            name={group}
            checked={value === state}
            onChange={() => onChange(state)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
