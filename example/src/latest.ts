import { useState } from "react";

/** The last value that was there: shown until the answer to a new question is. */
export function useLatest<T>(value: T | undefined): T | undefined {
  const [latest, setLatest] = useState(value);
  if (value !== undefined && value !== latest) {
    setLatest(value);
  }
  return value ?? latest;
}
