/**
 * The `globalThis` of one call. Modules are compiled with the names of globals as
 * parameters, so assigning to a property of an object alone would change nothing
 * for code that says `Date`. Every module therefore hands over a function that
 * assigns to its parameters, and this object calls it.
 *
 * Not covered: a name that is neither injected nor shadowed (`Array`, `URL`, one
 * that nobody has ever heard of) changes on `globalThis` only.
 */

/** Assigns to a parameter of one module. */
export type Assign = (name: string, value: unknown) => void;

export function positionsOf(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, position) => [name, position]));
}

export class Globals {
  /** What the code sees as `globalThis`. */
  readonly object: object;
  /** In the order of the modules' parameters; those beyond its end are undefined. */
  readonly values: unknown[] = [];
  private readonly modules: Assign[] = [];
  private initial: unknown[] = [];
  private readonly changed = new Set<string>();
  private follower: Globals | null = null;

  constructor(
    private readonly properties: object,
    private readonly positions: Map<string, number>,
  ) {
    this.object = new Proxy(properties, {
      defineProperty: (target, key, descriptor) => {
        const done = Reflect.defineProperty(target, key, descriptor);
        if (done) this.propertyChanged(key);
        return done;
      },
      deleteProperty: (target, key) => {
        const done = Reflect.deleteProperty(target, key);
        if (done) this.propertyChanged(key);
        return done;
      },
    });
  }

  /** Sets what is there before any code runs. */
  fill(values: Record<string, unknown>): this {
    for (const [name, value] of Object.entries(values)) {
      this.define(name, value);
      this.values[this.positions.get(name)!] = value;
    }
    this.initial = [...this.values];
    return this;
  }

  /** A module whose parameters are to follow. */
  attach(assign: Assign): void {
    this.modules.push(assign);
  }

  /** From now on changes of these globals are `other`'s too, or nobody's. */
  lead(other: Globals | null): void {
    this.follower = other;
  }

  /** Takes back what was changed. */
  restore(): void {
    for (const name of this.changed) {
      const value = this.initial[this.positions.get(name)!];
      if (value === undefined) Reflect.deleteProperty(this.properties, name);
      else this.define(name, value);
      this.assign(name, value);
    }
    this.changed.clear();
  }

  private propertyChanged(key: string | symbol): void {
    if (typeof key !== "string" || !this.positions.has(key)) return;
    this.changed.add(key);
    this.assign(key, Reflect.get(this.properties, key));
    this.pass(key);
  }

  private pass(name: string): void {
    const { follower, properties } = this;
    if (follower === null) return;
    if (Object.hasOwn(properties, name)) {
      Reflect.set(follower.object, name, Reflect.get(properties, name));
    } else {
      Reflect.deleteProperty(follower.object, name);
    }
  }

  private assign(name: string, value: unknown): void {
    this.values[this.positions.get(name)!] = value;
    for (const module of this.modules) module(name, value);
  }

  private define(name: string, value: unknown): void {
    Object.defineProperty(this.properties, name, {
      value,
      writable: true,
      configurable: true,
    });
  }
}
