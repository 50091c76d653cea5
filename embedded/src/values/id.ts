/**
 * Document ids: base32 (Crockford's alphabet in lower case) of the table's number
 * as a VInt, 16 random bytes, and a Fletcher-16 checksum of both.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS = new Map([...ALPHABET].map((char, digit) => [char, digit]));
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
  const bytes = unbase32(id);
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
  const expected = fletcher16(bytes.slice(0, end));
  if (found !== expected) {
    throw new Error(
      `Unable to decode ID: Invalid ID version ${found} (expected ${expected})`,
    );
  }
  const internal = Uint8Array.from(bytes.slice(position, end));
  // Only the canonical spelling is an id: padding bits and long VInts are refused.
  if (encodeId(tableNumber, internal) !== id) {
    throw new Error(`Unable to decode ID: Invalid ID length ${id.length}`);
  }
  return { tableNumber, internal };
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

function fletcher16(bytes: readonly number[]): number {
  let low = 0;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) & 0xff;
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

function unbase32(text: string): number[] {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const char of text) {
    const digit = DIGITS.get(char);
    if (digit === undefined) {
      throw new Error("Unable to decode ID: ID wasn't valid base32");
    }
    buffer = ((buffer << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return bytes;
}
