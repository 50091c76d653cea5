/** "1 delivery", "2 deliveries", "1,024 deliveries". */
export function counted(
  count: number,
  one: string,
  many: string = `${one}s`,
): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

export function deliveries(count: number): string {
  return counted(count, "delivery", "deliveries");
}

export function failedDeliveries(count: number): string {
  return counted(count, "failed delivery", "failed deliveries");
}

export function pendingDeliveries(count: number): string {
  return counted(count, "pending delivery", "pending deliveries");
}

/** "to chat-alerts", or "to all endpoints" where none is named. */
export function toEndpoint(name: string | undefined): string {
  return `to ${name ?? "all endpoints"}`;
}

/** What redelivering all has done so far. */
export function redelivering(
  { redelivered, isDone }: { redelivered: number; isDone: boolean },
  where: string,
): string {
  const what = `Redelivering ${deliveries(redelivered)} ${where}`;
  return isDone ? what : `${what}, and the others after them`;
}
