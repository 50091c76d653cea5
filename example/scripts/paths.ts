import { fileURLToPath } from "node:url";

export const repositoryDir = fileURLToPath(new URL("../..", import.meta.url));
export const exampleDir = fileURLToPath(new URL("..", import.meta.url));
