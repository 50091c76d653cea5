/** What a history finds, and what its trace says. */
import type { Violate } from "./checks/check.js";
import type { Violation } from "./violation.js";
import type { World } from "./world.js";

/** More of them say nothing more. */
const MAX_VIOLATIONS = 5;

export abstract class Telling {
  protected abstract readonly world: World;
  protected readonly violations: Violation[] = [];
  /** Of the history, in time that passes. */
  protected begin = 0;

  constructor(protected readonly trace: ((line: string) => void) | null) {}

  protected readonly violate: Violate = (rule, details) => {
    if (this.isOver()) return;
    const at = this.world.clock.elapsed - this.begin;
    this.violations.push({ rule, details, at });
    this.note(`VIOLATION: ${rule}: ${details}`);
  };

  protected isOver(): boolean {
    return this.violations.length >= MAX_VIOLATIONS;
  }

  protected note(text: string): void {
    if (this.trace === null) return;
    const at = this.world.clock.elapsed - this.begin;
    this.trace(`${at.toFixed(1).padStart(10)}  ${text}`);
  }

  protected onLog(message: string): void {
    if (this.trace) this.note(`log: ${JSON.stringify(message.slice(0, 300))}`);
    if (/failed internally|runaway/.test(message)) {
      this.violate("alarm", message);
    }
  }
}

/** Whatever is wrong at one time is so at the next. */
export function onceEach(violate: Violate): Violate {
  const told = new Set<string>();
  return (rule, details) => {
    if (told.has(rule)) return;
    told.add(rule);
    violate(rule, details);
  };
}
