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

export function pendingDeliveries(count: number): string {
  return counted(count, "pending delivery", "pending deliveries");
}
