/** An executor begins nothing more while it has much in its memory: an action has 64 MB, and values take several times their size. */
import type { Life } from "../corners/lives.js";
import { heldBytes } from "../corners/lives.js";
import type { Violate } from "./check.js";

const MAX_BYTES = 16_000_000;

export class MemoryCheck {
  private readonly held = new Map<string, Set<Life>>();

  constructor(private readonly violate: Violate) {}

  /** Whenever a handler is called, and whenever a work may have changed. */
  begins(life: Life): void {
    const executor = life.executor!;
    let works = this.held.get(executor);
    if (works === undefined) this.held.set(executor, (works = new Set()));
    let bytes = 0;
    for (const each of works) {
      if (each.executor !== executor) works.delete(each);
      else if (each.phase === "ended" || each.phase === "waits") {
        works.delete(each);
      } else bytes += heldBytes(each.spec, each.phase);
    }
    works.add(life);
    if (bytes <= MAX_BYTES) return;
    this.violate(
      "begins with a full memory",
      `${executor} has ${bytes} bytes of ${works.size} works, and begins ${life.spec.key}`,
    );
  }
}
