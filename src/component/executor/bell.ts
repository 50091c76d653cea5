/** Lets one waiter know that something happened, also when it happened before the wait. */
export class Bell {
  private rung = false;
  private waiter: (() => void) | null = null;

  ring(): void {
    this.rung = true;
    this.waiter?.();
  }

  /** Resolves when the bell has rung since the last wait, or after `timeoutMs`. */
  async wait(timeoutMs?: number): Promise<void> {
    if (!this.rung) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.waiter = resolve;
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.waiter = null;
    }
    this.rung = false;
  }
}
