import type { CommittedWrites } from "../../embedded/src/storage/types.js";

/** Says what must never be, and was. */
export type Violate = (rule: string, details: string) => void;

/** Looks after every commit that concerns the component. */
export type CommitCheck = (commit: CommittedWrites) => void;
