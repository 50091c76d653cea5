import { findPlants } from "./findPlants.js";

findPlants(1, 2);
