import { useMutation } from "convex/react";
import { useId, useRef } from "react";
import { api } from "../convex/_generated/api.js";
import { useNotices } from "./notice.js";
import { ActButton, OFFLINE, useOnline } from "./online.js";
import type { Endpoint } from "./types.js";
import { deliveries, pendingDeliveries } from "./words.js";

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
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const isOnline = useOnline();
  const cancel = useMutation(api.cancel.all);
  const { attempt } = useNotices();
  const where = endpoint ? `to ${endpoint.name}` : "to all endpoints";
  const confirm = () => {
    dialog.current?.close();
    void attempt(`Canceling ${pendingDeliveries(pending)} ${where}`, () =>
      cancel({ endpointId: endpoint?._id }),
    );
  };
  return (
    <>
      <ActButton
        className="danger"
        disabled={pending === 0}
        onClick={() => dialog.current?.showModal()}
      >
        {pending === 0
          ? "Nothing to cancel"
          : `Cancel ${pending.toLocaleString("en")} pending …`}
      </ActButton>
      <dialog ref={dialog} className="confirm" aria-labelledby={id}>
        <h2 id={id}>
          {pending === 0
            ? `Nothing is pending ${where} any more`
            : `Cancel ${pendingDeliveries(pending)} ${where}?`}
        </h2>
        <p>
          What waits is not sent. What is being sent may still arrive, and is
          not tried again. A canceled delivery can be redelivered.
        </p>
        {!isOnline && <p className="problem">{OFFLINE}</p>}
        <div className="row">
          <button type="button" onClick={() => dialog.current?.close()}>
            {pending === 0 ? "Close" : pending === 1 ? "Keep it" : "Keep them"}
          </button>
          <ActButton
            className="danger"
            disabled={pending === 0}
            onClick={confirm}
          >
            Cancel {deliveries(pending)}
          </ActButton>
        </div>
      </dialog>
    </>
  );
}
