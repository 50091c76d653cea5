/** One line that tells what a button did, spoken by screen readers too. */
import {
  createContext,
  useCallback,
  useContext,
  useMemo,
  useState,
  type ReactNode,
} from "react";
import { messageOf } from "./errors.js";

interface Notice {
  text: string;
  isError: boolean;
}

interface Notices {
  notice: Notice | null;
  dismiss(): void;
  /** Does it, then says `done`, which may tell of its result, or why it could not be done. */
  attempt<T>(
    done: string | ((result: T) => string),
    work: () => Promise<T>,
  ): Promise<void>;
}

const NoticeContext = createContext<Notices | null>(null);

export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice | null>(null);
  const attempt = useCallback<Notices["attempt"]>(async (done, work) => {
    try {
      const result = await work();
      const text = typeof done === "string" ? done : done(result);
      setNotice({ text, isError: false });
    } catch (error) {
      setNotice({ text: messageOf(error), isError: true });
    }
  }, []);
  const notices = useMemo(
    () => ({ notice, dismiss: () => setNotice(null), attempt }),
    [notice, attempt],
  );
  return <NoticeContext value={notices}>{children}</NoticeContext>;
}

/** Where the notice is read; `idle` stands there when there is none. */
export function NoticeLine({ idle }: { idle: string }) {
  const { notice, dismiss } = useNotices();
  return (
    <div className="notice">
      <div role="status">
        {notice && (
          <p data-error={notice.isError || undefined} title={notice.text}>
            <span>{notice.text}</span>
            <button
              type="button"
              className="quiet"
              aria-label="Dismiss"
              onClick={dismiss}
            >
              ×
            </button>
          </p>
        )}
      </div>
      {!notice && <p className="muted">{idle}</p>}
    </div>
  );
}

export function useNotices(): Notices {
  const notices = useContext(NoticeContext);
  if (!notices) {
    throw new Error("useNotices needs a NoticeProvider above it");
  }
  return notices;
}
