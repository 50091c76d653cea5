import { useMutation } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { Confirm } from "./Confirm.js";
import { useNotices } from "./notice.js";
import type { Endpoint } from "./types.js";
import {
  deliveries,
  failedDeliveries,
  redelivering,
  toEndpoint,
} from "./words.js";

/** Delivers again what has failed of what is looked at, after it has said how many and asked. */
export function RedeliverAll({
  failed,
  endpoint,
}: {
  /** How many match, at this moment. */
  failed: number;
  /** To this endpoint only. */
  endpoint: Endpoint | undefined;
}) {
  const redeliver = useMutation(api.redeliver.all);
  const { attempt } = useNotices();
  const where = toEndpoint(endpoint?.name);
  return (
    <Confirm
      hidden={failed === 0}
      count={failed}
      label={`Redeliver all failed (${failed.toLocaleString("en")}) …`}
      question={
        failed === 0
          ? `Nothing ${where} is left that has failed`
          : `Redeliver ${failedDeliveries(failed)} ${where}?`
      }
      yes={`Redeliver ${deliveries(failed)}`}
      no={failed === 1 ? "Leave it" : "Leave them"}
      onConfirm={() =>
        void attempt(
          (done) => redelivering(done, where),
          () => redeliver({ endpointId: endpoint?._id }),
        )
      }
    >
      Each is sent again under the same webhook-id, with eight attempts of its
      own. Its earlier attempts stay in its list.
    </Confirm>
  );
}
