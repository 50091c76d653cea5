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
  /** Does it, then says `done`, or why it could not be done. */
  attempt(done: string, work: () => Promise<unknown>): Promise<void>;
}

const NoticeContext = createContext<Notices | null>(null);

export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice | null>(null);
  const attempt = useCallback<Notices["attempt"]>(async (done, work) => {
    try {
      await work();
      setNotice({ text: done, isError: false });
    } catch (error) {
      setNotice({ text: messageOf(error), isError: true });
    }
  }, []);
  const notices = useMemo(() => ({ attempt }), [attempt]);
  return (
    <NoticeContext value={notices}>
      {children}
      <div className="notice" role="status">
        {notice && (
          <p data-error={notice.isError || undefined}>
            {notice.text}
            <button
              type="button"
              className="quiet"
              aria-label="Dismiss"
              onClick={() => setNotice(null)}
            >
              ×
            </button>
          </p>
        )}
      </div>
    </NoticeContext>
  );
}

export function useNotices(): Notices {
  const notices = useContext(NoticeContext);
  if (!notices) {
    throw new Error("useNotices needs a NoticeProvider above it");
  }
  return notices;
}
