/** What apps call to enqueue works that are unique by a key: thin, validated entry points. */
import { v } from "convex/values";
import { mutation } from "./_generated/server.js";
import { vUnique } from "./identity.js";
import { vDeclaration } from "./queue/configRow.js";
import { vItem } from "./work/enqueue.js";
import { enqueueUnique } from "./work/unique.js";

export const enqueue = mutation({
  args: { ...vItem.fields, unique: vUnique, config: vDeclaration },
  returns: v.object({
    id: v.id("work"),
    isNew: v.boolean(),
    replaced: v.boolean(),
  }),
  handler: async (ctx, { config, unique, ...item }) =>
    await enqueueUnique(ctx, config, item, unique),
});
