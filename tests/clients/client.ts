// A frontend in TypeScript. Compiled, never run: what must not compile is marked as such, and the
// compiler refuses a mark where nothing is wrong.
import { createClient } from "@supabase/supabase-js";

import type { CompositionDocument, Database, Refusal, Tables } from "../../types/shapes.js";

const supabase = createClient<Database>("http://127.0.0.1", "key");

export async function edit(composition_id: string, body: { [key: string]: string }) {
  const { data: head } = await supabase
    .rpc("load_composition", { composition_id }, { get: true })
    .throwOnError();
  const document: CompositionDocument = { ...head.document, body };
  const { data: saved, error } = await supabase.rpc("save_version", {
    composition_id,
    base_version: head.version,
    document,
  });
  if (error) {
    const refusal: Refusal = JSON.parse(error.details);
    return refusal.code === "version_conflict" ? refusal.head_version : null;
  }
  return saved.version + 1;
}

export async function titles(): Promise<string[]> {
  const { data: page } = await supabase.rpc("list_my_compositions", {}).throwOnError();
  const { data: rows } = await supabase.from("user_compositions").select("title").throwOnError();
  const first: Pick<Tables<"user_compositions">, "title"> | undefined = rows[0];
  return [...page.items.map((item) => item.title), first?.title ?? ""];
}

export async function mistakes(composition_id: string) {
  // @ts-expect-error: no such function
  await supabase.rpc("load_compositions", { composition_id });
  // @ts-expect-error: no such argument
  await supabase.rpc("load_composition", { id: composition_id });
  // @ts-expect-error: an argument is missing
  await supabase.rpc("get_version", { composition_id });
  // @ts-expect-error: a number
  await supabase.rpc("get_version", { composition_id, version: "1" });
  // @ts-expect-error: no such column
  await supabase.from("user_compositions").update({ name: "Videos" });

  const { data: page } = await supabase.rpc("list_versions", { composition_id }).throwOnError();
  // @ts-expect-error: a list holds no documents
  page.items[0]?.document;
  const { data: share } = await supabase
    .rpc("share_composition", { composition_id, role: "viewer" })
    .throwOnError();
  // @ts-expect-error: shares have no such role
  share.role === "owner";
}
