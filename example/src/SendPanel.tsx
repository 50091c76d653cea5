import { useId, useState } from "react";
import { useNotices } from "./notice.js";
import { ActButton } from "./online.js";
import { canSend, sendEvents, useEventKinds } from "./sender.js";
import { counted } from "./words.js";

const BURST = 50;

/** Sends sample webhooks through the ingress, as GitHub would. */
export function SendPanel() {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Send webhooks</h2>
      {canSend ? (
        <SendForm id={id} />
      ) : (
        <p className="hint">
          Point a GitHub webhook at <code>/github</code> of this deployment’s
          site URL.
        </p>
      )}
    </section>
  );
}

function SendForm({ id }: { id: string }) {
  const kinds = useEventKinds();
  const [name, setName] = useState("");
  const [sending, setSending] = useState(false);
  const { attempt } = useNotices();
  const all = kinds.reduce((sum, { samples }) => sum + samples, 0);

  const send = async (count: number) => {
    setSending(true);
    await attempt(
      `${counted(count, `${name || "sample"} event`)} accepted`,
      () => sendEvents({ count, name: name || undefined }),
    );
    setSending(false);
  };

  return (
    <>
      <div className="row">
        <label htmlFor={id}>Event</label>
        <select
          id={id}
          value={name}
          onChange={(event) => setName(event.target.value)}
        >
          <option value="">any</option>
          {kinds.map((kind) => (
            <option key={kind.name}>{kind.name}</option>
          ))}
        </select>
        <ActButton
          className="primary"
          disabled={sending}
          onClick={() => void send(1)}
        >
          Send one
        </ActButton>
        <ActButton disabled={sending} onClick={() => void send(BURST)}>
          Send {BURST}
        </ActButton>
      </div>
      <p className="hint">
        {all > 0 ? counted(all, "real GitHub payload") : "Real GitHub payloads"}
        , signed and posted to the ingress.
      </p>
    </>
  );
}
