import { useMutation } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { Confirm } from "./Confirm.js";
import { useNotices } from "./notice.js";
import type { Endpoint } from "./types.js";
import { deliveries, pendingDeliveries, toEndpoint } from "./words.js";

/** Cancels what is pending of what is looked at, after it has said how many and asked. */
export function CancelAll({
  pending,
  endpoint,
}: {
  /** How many match, at this moment. */
  pending: number;
  /** To this endpoint only. */
  endpoint: Endpoint | undefined;
}) {
  const cancel = useMutation(api.cancel.all);
  const { attempt } = useNotices();
  const where = toEndpoint(endpoint?.name);
  return (
    <Confirm
      className="danger"
      count={pending}
      label={
        pending === 0
          ? "Nothing to cancel"
          : `Cancel ${pending.toLocaleString("en")} pending …`
      }
      question={
        pending === 0
          ? `Nothing is pending ${where} any more`
          : `Cancel ${pendingDeliveries(pending)} ${where}?`
      }
      yes={`Cancel ${deliveries(pending)}`}
      no={pending === 1 ? "Keep it" : "Keep them"}
      onConfirm={() =>
        void attempt(`Canceling ${pendingDeliveries(pending)} ${where}`, () =>
          cancel({ endpointId: endpoint?._id }),
        )
      }
    >
      What waits is not sent. What is being sent may still arrive, and is not
      tried again. A canceled delivery can be redelivered.
    </Confirm>
  );
}
