/** The names of an object's fields in the order in which Convex keeps them: by code unit. */
export function sortedFields(object: object): string[] {
  const fields = Object.keys(object);
  // What was stored before comes back in order, and sorting allocates even then.
  for (let i = 1; i < fields.length; i++) {
    if (fields[i - 1]! > fields[i]!) return fields.sort();
  }
  return fields;
}
