// What a frontend does with supabase-js. Reads {url, anonKey, document} as its first argument,
// prints what happened as one line of JSON.
import { createClient } from "@supabase/supabase-js";

const { url, anonKey, document } = JSON.parse(process.argv[2]);

async function signUp(name) {
  const client = createClient(url, anonKey, { auth: { persistSession: false } });
  const { data, error } = await client.auth.signUp({
    email: `${name}-${crypto.randomUUID()}@example.com`,
    password: crypto.randomUUID(),
  });
  if (error) throw error;
  return { client, id: data.user.id };
}

async function call(person, name, args) {
  const { data, error } = await person.client.rpc(name, args);
  return error ? { code: error.code, details: JSON.parse(error.details) } : data;
}

const [ann, ben] = [await signUp("ann"), await signUp("ben")];
const made = await call(ann, "create_composition", { title: "From a browser", document });
const composition_id = made.composition_id;
const hidden = await call(ben, "load_composition", { composition_id });
const edited = { ...document, ext: { "test/edited": true } };
const saved = await call(ann, "save_version", {
  composition_id, base_version: 1, document: edited, message: "Edited",
});
const stale = await call(ann, "save_version", { composition_id, base_version: 1, document });
await call(ann, "share_composition", { composition_id, user_id: ben.id, role: "viewer" });
const shared = await call(ben, "load_composition", { composition_id });
const readOnly = await call(ben, "save_version", { composition_id, base_version: 2, document });
const listed = await call(ben, "list_my_compositions", { filter: { search: "BROWSER", shared: true } });
const renamed = await ann.client
  .from("user_compositions").update({ title: "Renamed" }).eq("id", composition_id).select("title");
await call(ann, "restore_version", { composition_id, version: 1 });
const restored = await call(ben, "load_composition", { composition_id });
const context = "route:/videos";
const pinned = await call(ben, "pin_composition", { context, composition_id });
const moved = [];
for (const person of [ann, ben]) {
  const { data } = await person.client
    .from("composition_pins").update({ position: 3 }).eq("context", context).select("position");
  moved.push(data);
}
const { data: resolved } = await ben.client.rpc("resolve_context", { context }, { get: true });

console.log(JSON.stringify({
  made, hidden, saved, stale, shared, readOnly, listed, renamed: renamed.data, restored, edited,
  pinned, moved, resolved,
}));
