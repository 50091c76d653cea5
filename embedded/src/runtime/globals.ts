/**
 * The globals of one call. Modules look their free names up in an object of it
 * (`freeNames.ts`), so whatever happens to `globalThis` is what the names mean from
 * then on, in every module of the call and in no other call.
 *
 * Two objects stand for them: the scope, where modules look names up and where one
 * that nobody has set throws, and the view of it that code gets as `globalThis`, where
 * such a property is undefined as in any object.
 */

/** Where a scope's chain ends: what is not even in Object.prototype is not defined. */
const notDefined: ProxyHandler<object> = {
  get(target, key, receiver) {
    if (isDefined(target, key)) {
      return Reflect.get(target, key, receiver) as unknown;
    }
    throw referenceError(key, notDefined.get!);
  },
  set(target, key, value, receiver) {
    if (isDefined(target, key)) {
      return Reflect.set(target, key, value, receiver);
    }
    throw referenceError(key, notDefined.set!);
  },
};
const CHAIN_END: object = new Proxy(Object.prototype, notDefined);

function isDefined(target: object, key: string | symbol): key is symbol {
  return typeof key === "symbol" || key in target;
}

/** `trap` is left out of the stack: the first frame is the code's. */
function referenceError(name: string, trap: object): ReferenceError {
  const error = new ReferenceError(`${name} is not defined`);
  Error.captureStackTrace(error, trap as () => void);
  return error;
}

/** What the scopes of many calls inherit: globals that are the same in all of them. */
export function sharedGlobals(properties: PropertyDescriptorMap): object {
  return Object.create(CHAIN_END, properties) as object;
}

/** What code gets to see as `globalThis` where `scope`, which inherits `sharedGlobals`, is where names are looked up. */
export function globalThisOf(scope: object): object {
  return new Proxy(scope, view);
}

/** As the global object of a realm that is the call's own. */
const view: ProxyHandler<object> = {
  get(scope, key, receiver) {
    return key in scope
      ? (Reflect.get(scope, key, receiver) as unknown)
      : undefined;
  },
  set(scope, key, value, receiver) {
    if (key in scope) return Reflect.set(scope, key, value, receiver);
    return Reflect.defineProperty(receiver as object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  },
  getPrototypeOf: () => Object.prototype,
  getOwnPropertyDescriptor(scope, key) {
    return Reflect.getOwnPropertyDescriptor(withAllOwn(scope), key);
  },
  defineProperty(scope, key, descriptor) {
    return Reflect.defineProperty(withAllOwn(scope), key, descriptor);
  },
  deleteProperty(scope, key) {
    return Reflect.deleteProperty(withAllOwn(scope), key);
  },
  ownKeys(scope) {
    return Reflect.ownKeys(withAllOwn(scope));
  },
};

/**
 * Code that does more with `globalThis` than to read it finds everything to be the
 * object's own, and can delete it. Few calls do, so the others inherit what is shared.
 */
function withAllOwn(scope: object): object {
  const shared = Object.getPrototypeOf(scope) as object;
  if (shared === CHAIN_END) return scope;
  for (const key of Reflect.ownKeys(shared)) {
    if (!Object.hasOwn(scope, key)) {
      Object.defineProperty(
        scope,
        key,
        Object.getOwnPropertyDescriptor(shared, key)!,
      );
    }
  }
  return Object.setPrototypeOf(scope, CHAIN_END) as object;
}
