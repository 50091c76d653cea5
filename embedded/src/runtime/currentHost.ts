/**
 * The outside of modules that more than one call has: whatever they ask for, it is
 * asked of the call whose code they run as. What goes on of a call that has ended
 * is still that call's, and can do nothing.
 */
import type { CallHost } from "./callHost.js";
import { currentCall } from "./userCode.js";

/** A host like `example`: with fetch and timers if it has them. */
export function currentHost(example: CallHost): CallHost {
  return example.io === null ? WITHOUT_IO : WITH_IO;
}

function current(): CallHost {
  const call = currentCall();
  if (call === undefined) throw new Error("This code belongs to no function.");
  return call.host;
}

const forwarding = (io: CallHost["io"]): CallHost => ({
  get env() {
    return current().env;
  },
  now: () => current().now(),
  random: {
    next: () => current().random.next(),
    bytes: (length) => current().random.bytes(length),
  },
  syscall: (op, args) => current().syscall(op, args),
  asyncSyscall: (op, args) => current().asyncSyscall(op, args),
  jsSyscall: (op, args) => current().jsSyscall(op, args),
  log: (level, message) => current().log(level, message),
  io,
  track: (operation) => current().track(operation),
});

const WITHOUT_IO = forwarding(null);
const WITH_IO = forwarding({
  fetch: (input, init) => current().io!.fetch(input, init),
  timers: {
    start: (...timer) => current().io!.timers.start(...timer),
    stop: (id) => current().io!.timers.stop(id),
  },
});
