const float = new DataView(new ArrayBuffer(8));

/** The next representable number: the creation times of documents differ by that much. */
export function nextFloat(value: number): number {
  float.setFloat64(0, value);
  float.setBigInt64(0, float.getBigInt64(0) + 1n);
  return float.getFloat64(0);
}
