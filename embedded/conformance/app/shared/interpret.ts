/** Does what steps say, in whatever function it is called from. */
import type { Bound, Find, PageStep, Result, Step } from "./steps";

/** The functions that run steps: those of the component itself, and a child's. */
interface Reach {
  run: any;
  read: any;
  nothing: any;
  ledger?: { run: any; read: any };
}

export async function interpret(
  ctx: any,
  steps: Step[],
  reach: Reach,
  names: Map<string, string> = new Map(),
): Promise<Result[]> {
  const results: Result[] = [];
  for (const step of steps) results.push(await one(ctx, step, reach, names));
  return results;
}

async function one(
  ctx: any,
  step: Step,
  reach: Reach,
  names: Map<string, string>,
): Promise<Result> {
  const idOf = (ref: string) =>
    ref.startsWith("@") ? names.get(ref.slice(1)) : ref;
  switch (step.op) {
    case "insert": {
      const id: string = await ctx.db.insert(step.table, step.value);
      if (step.as !== undefined) names.set(step.as, id);
      return id;
    }
    case "stamp":
      return await ctx.db.insert("stamps", {
        label: step.label,
        at: ctx.db.vars.commitTs,
      });
    case "get":
      return await ctx.db.get(idOf(step.id));
    case "patch":
      return (await ctx.db.patch(idOf(step.id), step.value)) ?? null;
    case "unset":
      return (
        (await ctx.db.patch(idOf(step.id), { [step.field]: undefined })) ?? null
      );
    case "replace":
      return (await ctx.db.replace(idOf(step.id), step.value)) ?? null;
    case "delete":
      return (await ctx.db.delete(idOf(step.id))) ?? null;
    case "normalizeId":
      return ctx.db.normalizeId(step.table, step.id);
    case "find":
      return await end(queryOf(ctx, step), step.end);
    case "page":
      return await queryOf(ctx, step).paginate(step.options);
    case "schedule":
      return await ctx.scheduler.runAfter(step.delayMs, reach.nothing, {});
    case "nested": {
      const { kind, steps } = step;
      if (kind === "mutation")
        return await ctx.runMutation(reach.run, { steps });
      return await ctx.runQuery(
        reach.read,
        { steps },
        kind === "stale" ? { useStaleSnapshot: true } : undefined,
      );
    }
    case "ledger":
      return step.kind === "mutation"
        ? await ctx.runMutation(reach.ledger!.run, { steps: step.steps })
        : await ctx.runQuery(reach.ledger!.read, { steps: step.steps });
    case "try":
      try {
        return { results: await interpret(ctx, step.steps, reach, names) };
      } catch (error) {
        return { error: (error as Error).message };
      }
    case "throw":
      throw new Error(step.message);
    case "snapshotTs":
      return await ctx.meta.getSnapshotTs();
  }
}

function queryOf(ctx: any, step: Find | PageStep): any {
  const system = step.table.startsWith("_");
  let query = (system ? ctx.db.system : ctx.db).query(step.table);
  if (step.index !== undefined) {
    query = query.withIndex(step.index, (q: any) =>
      (step.range ?? []).reduce(
        (built: any, [operator, field, value]: Bound) =>
          built[operator](field, value),
        q,
      ),
    );
  }
  if (step.order !== undefined) query = query.order(step.order);
  if (step.filter !== undefined) {
    const [field, value] = step.filter;
    query = query.filter((q: any) => q.eq(q.field(field), value));
  }
  return query;
}

function end(query: any, how: Find["end"]): Promise<unknown> {
  if (typeof how === "number") return query.take(how);
  return query[how]();
}
