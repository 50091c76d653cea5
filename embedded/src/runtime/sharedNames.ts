/**
 * The globals that functions share with this process: in the Convex runtime what an
 * empty realm has and those of Node's that Convex has too; in Node all of Node's.
 */
import { sharedGlobals } from "./globals.js";

/** Of Node's globals beyond ECMAScript, those that Convex's runtime has too. */
const WEB_GLOBALS = new Set([
  "AbortController",
  "AbortSignal",
  "Blob",
  "ByteLengthQueuingStrategy",
  "CompressionStream",
  "CountQueuingStrategy",
  "Crypto",
  "CryptoKey",
  "CustomEvent",
  "DOMException",
  "DecompressionStream",
  "Event",
  "EventTarget",
  "File",
  "FormData",
  "Headers",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "Request",
  "Response",
  "SubtleCrypto",
  "TextDecoder",
  "TextDecoderStream",
  "TextEncoder",
  "TextEncoderStream",
  "TransformStream",
  "TransformStreamDefaultController",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
  "atob",
  "btoa",
  "queueMicrotask",
  "structuredClone",
]);

/** The language's own globals, as an empty realm has them. */
const LANGUAGE_GLOBALS = new Set([
  "AggregateError", "Array", "ArrayBuffer", "AsyncDisposableStack", "Atomics",
  "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView", "Date",
  "DisposableStack", "Error", "EvalError", "FinalizationRegistry",
  "Float16Array", "Float32Array", "Float64Array", "Function", "Infinity",
  "Int16Array", "Int32Array", "Int8Array", "Intl", "Iterator", "JSON", "Map",
  "Math", "NaN", "Number", "Object", "Promise", "Proxy", "RangeError",
  "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String",
  "SuppressedError", "Symbol", "SyntaxError", "TypeError", "URIError",
  "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap",
  "WeakRef", "WeakSet", "WebAssembly", "decodeURI", "decodeURIComponent",
  "encodeURI", "encodeURIComponent", "escape", "eval", "globalThis", "isFinite",
  "isNaN", "parseFloat", "parseInt", "undefined", "unescape",
]); // prettier-ignore

/** Code cannot assign to these on Convex, only redefine them. */
const READ_ONLY = new Set(["Crypto", "SubtleCrypto"]);

/** Set by whoever simulates a browser in this process; no function runs in one. */
const OF_BROWSERS = new Set(["window", "document"]);

export const ISOLATE_GLOBALS: object = sharedGlobals(
  descriptors(
    (name) => WEB_GLOBALS.has(name) || LANGUAGE_GLOBALS.has(name),
    (name) => {
      const { value, enumerable, configurable, writable } = loaded(name);
      return {
        value,
        enumerable: enumerable!,
        configurable: configurable!,
        writable: writable! && !READ_ONLY.has(name),
      };
    },
  ),
);

export const NODE_GLOBALS: object = sharedGlobals(
  descriptors((name) => !OF_BROWSERS.has(name), replaceable),
);

function descriptors(
  isVisible: (name: string) => boolean,
  describe: (name: string) => PropertyDescriptor,
): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.getOwnPropertyNames(globalThis)
      .filter(isVisible)
      .map((name) => [name, describe(name)]),
  );
}

/** Node loads some of its globals when they are first asked for. */
function loaded(name: string): PropertyDescriptor {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)!;
  return descriptor.get === undefined
    ? descriptor
    : {
        value: Reflect.get(globalThis, name) as unknown,
        enumerable: descriptor.enumerable!,
        configurable: descriptor.configurable!,
        writable: true,
      };
}

/** The same later, and in this process's global object no code changes anything. */
function replaceable(name: string): PropertyDescriptor {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)!;
  if (descriptor.get === undefined) return descriptor;
  return {
    get: () => Reflect.get(globalThis, name) as unknown,
    set(this: object, value: unknown) {
      Object.defineProperty(this, name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    },
    enumerable: descriptor.enumerable!,
    configurable: true,
  };
}
