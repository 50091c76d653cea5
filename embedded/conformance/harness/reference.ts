/**
 * The naive serial reference: an array of rows, on which one transaction runs after the
 * other. What it cannot know, the time at which a row was created, it takes from what
 * the deployment says, and checks that it grows within a transaction.
 */
import type {
  Operation,
  Range,
  Seen,
  SeenRow,
} from "../app/shared/operations.js";

interface Row {
  key: number;
  value: number;
  tag: number;
  creationTime: number;
}

export class Reference {
  private rows: Row[] = [];
  private lastCreation = 0;

  constructor(rows: readonly Row[] = []) {
    this.rows = rows.map((row) => ({ ...row }));
  }

  copy(): Reference {
    return new Reference(this.rows);
  }

  get everything(): SeenRow[] {
    return this.matching({ low: -1, high: 1e9, order: "asc", take: 1e9 }).map(
      shown,
    );
  }

  /**
   * Runs a transaction; gives what each operation must have seen.
   * @param begin the state that it began with, for stale reads.
   */
  run(operations: Operation[], seen: Seen[], begin: Reference): Seen[] {
    return operations.map((operation, i) =>
      this.one(operation, seen[i]!, begin),
    );
  }

  private one(operation: Operation, seen: Seen, begin: Reference): Seen {
    switch (operation.op) {
      case "insert": {
        const { key, value, tag } = operation;
        const { creationTime } = seen as { creationTime: number };
        if (!(creationTime > this.lastCreation)) {
          throw new Error(`Creation time ${creationTime} did not grow.`);
        }
        this.lastCreation = creationTime;
        this.rows.push({ key, value, tag, creationTime });
        return { creationTime };
      }
      case "scan":
      case "nested scan":
        return { rows: this.matching(operation.range).map(shown) };
      case "stale scan":
        return { rows: begin.matching(operation.range).map(shown) };
      case "move":
      case "set":
      case "remove": {
        const [row] = this.matching({ ...operation.range, take: 1 });
        if (row === undefined) return { row: null };
        const before = shown(row);
        if (operation.op === "remove") {
          this.rows = this.rows.filter((each) => each !== row);
        } else if (operation.op === "move") row.key = operation.key;
        else row.value = operation.value;
        return { row: before };
      }
      case "nested": {
        if (operation.fails) return { nested: "failed" };
        const inner = (seen as { nested: Seen[] }).nested;
        return { nested: this.run(operation.operations, inner, begin) };
      }
    }
  }

  private matching({ low, high, order, take, value }: Range): Row[] {
    const found = this.rows
      .filter(({ key }) => key >= low && key < high)
      .sort((a, b) => a.key - b.key || a.creationTime - b.creationTime);
    if (order === "desc") found.reverse();
    return found
      .filter((row) => value === undefined || row.value === value)
      .slice(0, take);
  }
}

function shown({ key, value, tag }: Row): SeenRow {
  return [key, value, tag];
}
