import { useId, useRef, type ReactNode } from "react";
import { ActButton, OFFLINE, useOnline } from "./online.js";

/** A button that asks before it does something to many deliveries. */
export function Confirm({
  label,
  question,
  children,
  count,
  yes,
  no,
  className,
  hidden,
  onConfirm,
}: {
  /** Of the button. */
  label: string;
  question: string;
  /** What would happen. */
  children: ReactNode;
  /** How many deliveries are concerned at this moment; it may become none while it asks. */
  count: number;
  yes: string;
  no: string;
  className?: string;
  /** Nothing is there to be done, and nothing is said of it. */
  hidden?: boolean;
  onConfirm: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const isOnline = useOnline();
  const close = () => dialog.current?.close();
  return (
    <>
      <ActButton
        className={className}
        disabled={count === 0}
        hidden={hidden}
        onClick={() => dialog.current?.showModal()}
      >
        {label}
      </ActButton>
      <dialog ref={dialog} className="confirm" aria-labelledby={id}>
        <h2 id={id}>{question}</h2>
        <p>{children}</p>
        {!isOnline && <p className="problem">{OFFLINE}</p>}
        <div className="row">
          <button type="button" onClick={close}>
            {count === 0 ? "Close" : no}
          </button>
          <ActButton
            className={className}
            disabled={count === 0}
            onClick={() => {
              close();
              onConfirm();
            }}
          >
            {yes}
          </ActButton>
        </div>
      </dialog>
    </>
  );
}
