/** Bugs to plant that histories of the profile `corners` find. */
import type { Plant } from "../plants.js";

export const CORNER_PLANTS: readonly Plant[] = [];
