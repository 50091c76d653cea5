/** How much of a lost executor's works one transaction settles at most: works, and bytes that it reads and writes. */
export const MAX_WORKS = 100;
export const MAX_BYTES = 5_000_000;
