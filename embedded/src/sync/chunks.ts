/** Large transitions go out in pieces, so that no single message blocks the line. */
import type { ServerMessage } from "./protocol.js";

const MAX_MESSAGE_LENGTH = 5_000_000;

/** The messages to send, serialized. Only transitions are ever cut up. */
export function serialize(
  message: ServerMessage,
  supportsChunks: boolean,
): string[] {
  const json = JSON.stringify(message);
  if (
    !supportsChunks ||
    message.type !== "Transition" ||
    json.length <= MAX_MESSAGE_LENGTH
  ) {
    return [json];
  }
  const chunks = cut(json);
  return chunks.map((chunk, partNumber) => {
    const part: ServerMessage = {
      type: "TransitionChunk",
      chunk,
      partNumber,
      totalParts: chunks.length,
      transitionId: String(json.length),
    };
    return JSON.stringify(part);
  });
}

function cut(text: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + MAX_MESSAGE_LENGTH, text.length);
    const last = text.charCodeAt(end - 1);
    // Not between the halves of a surrogate pair.
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}
