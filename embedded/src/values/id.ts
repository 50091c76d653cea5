/**
 * Document ids: base32 (Crockford's alphabet in lower case) of the table's number
 * as a VInt, 16 random bytes, and a Fletcher-16 checksum of both.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const NO_DIGIT = 0xff;
/** By character code. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (const [digit, char] of [...ALPHABET].entries()) {
  DIGITS[char.charCodeAt(0)] = digit;
}
const INTERNAL_LENGTH = 16;
const SHORTEST = encodedLength(1 + INTERNAL_LENGTH + 2);
const LONGEST = encodedLength(5 + INTERNAL_LENGTH + 2);

export interface DecodedId {
  tableNumber: number;
  internal: Uint8Array;
}

export function encodeId(tableNumber: number, internal: Uint8Array): string {
  if (internal.length !== INTERNAL_LENGTH) {
    throw new Error(
      `The internal part of an id has ${INTERNAL_LENGTH} bytes, not ${internal.length}`,
    );
  }
  const bytes = [...vint(tableNumber), ...internal];
  const checksum = fletcher16(bytes);
  bytes.push(checksum & 0xff, checksum >> 8);
  return base32(bytes);
}

/** Throws an Error in Convex's words when `id` is not one. */
export function decodeId(id: string): DecodedId {
  if (id.length < SHORTEST || id.length > LONGEST) {
    throw new Error(`Unable to decode ID: Invalid ID length ${id.length}`);
  }
  const { bytes, rest } = unbase32(id);
  let tableNumber = 0;
  let position = 0;
  for (;;) {
    const byte = bytes[position++];
    if (byte === undefined || position > 5) {
      throw new Error("Unable to decode ID: Invalid table number");
    }
    tableNumber += (byte & 0x7f) * 2 ** (7 * (position - 1));
    if (byte < 0x80) break;
  }
  if (tableNumber === 0 || tableNumber > 0xffffffff) {
    throw new Error("Unable to decode ID: Invalid table number");
  }
  const end = position + INTERNAL_LENGTH;
  if (bytes.length !== end + 2) {
    throw new Error(`Unable to decode ID: Invalid ID length ${id.length}`);
  }
  const found = bytes[end]! | (bytes[end + 1]! << 8);
  const expected = fletcher16(bytes.subarray(0, end));
  if (found !== expected) {
    throw new Error(
      `Unable to decode ID: Invalid ID version ${found} (expected ${expected})`,
    );
  }
  // Only the canonical spelling is an id: padding bits and long VInts are refused.
  const isLong = position > 1 && bytes[position - 1] === 0;
  if (rest !== 0 || isLong || id.length !== encodedLength(bytes.length)) {
    throw new Error(`Unable to decode ID: Invalid ID length ${id.length}`);
  }
  return { tableNumber, internal: bytes.slice(position, end) };
}

/** The table's number, or null when `id` is not an id. */
export function tableNumberOf(id: string): number | null {
  try {
    return decodeId(id).tableNumber;
  } catch {
    return null;
  }
}

function vint(value: number): number[] {
  const bytes = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

function fletcher16(bytes: ArrayLike<number>): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i++) {
    low = (low + bytes[i]!) & 0xff;
    high = (high + low) & 0xff;
  }
  return (high << 8) | low;
}

function encodedLength(bytes: number): number {
  return Math.ceil((bytes * 8) / 5);
}

function base32(bytes: readonly number[]): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(buffer >> bits) & 0x1f];
    }
  }
  return bits > 0 ? text + ALPHABET[(buffer << (5 - bits)) & 0x1f] : text;
}

/** With the value of the bits that are left over. */
function unbase32(text: string): { bytes: Uint8Array; rest: number } {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let length = 0;
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = DIGITS[text.charCodeAt(i)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) {
      throw new Error("Unable to decode ID: ID wasn't valid base32");
    }
    buffer = ((buffer << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (buffer >> bits) & 0xff;
    }
  }
  return { bytes, rest: buffer & ((1 << bits) - 1) };
}
