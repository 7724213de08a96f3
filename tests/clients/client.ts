// A frontend in TypeScript. Compiled, never run: what must not compile is marked as such, and the
// compiler refuses a mark where nothing is wrong.
import { createClient } from "@supabase/supabase-js";

import type {
  CompositionDocument,
  CompositionFilter,
  Database,
  Json,
  Refusal,
  Tables,
} from "../../types/shapes.js";

const supabase = createClient<Database>("http://127.0.0.1", "key");

export async function edit(composition_id: string, body: { [key: string]: string }) {
  const { data: head } = await supabase
    .rpc("load_composition", { composition_id }, { get: true })
    .throwOnError();
  if (head.unchanged) return null; // with known_etags alone
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
  const filter: CompositionFilter = { tag: "videos", shared: null };
  const { data: page } = await supabase.rpc("list_my_compositions", { filter }).throwOnError();
  const { data: rows } = await supabase.from("user_compositions").select("title").throwOnError();
  const first: Pick<Tables<"user_compositions">, "title"> | undefined = rows[0];
  return [...page.items.map((item) => item.title), first?.title ?? ""];
}

export async function history(composition_id: string): Promise<Json[]> {
  await supabase.rpc("list_my_compositions").throwOnError();
  await supabase.rpc("list_my_compositions", { row_limit: 1 }, { get: true }).throwOnError();
  await supabase.rpc("label_version", { composition_id, version: 1, label: null }).throwOnError();
  await supabase.rpc("record_usage", { entries: [{ composition_id, loads: 2, hits: 1 }] });
  const { data: difference } = await supabase
    .rpc("diff_versions", { composition_id, from_version: 1, to_version: 2 })
    .throwOnError();
  return difference.patch.map((edit) => (edit.op === "remove" ? null : edit.value));
}

export async function check(document: Json): Promise<string[]> {
  const { data: verdict } = await supabase.rpc("validate_document", { document }).throwOnError();
  return verdict.problems
    .filter((problem) => problem.code === "unresolved_child")
    .map((problem) => problem.nearest ?? problem.message);
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
  // @ts-expect-error: no such filter
  await supabase.rpc("list_my_compositions", { filter: { title: "Videos" } });
  // @ts-expect-error: no such dialect
  await supabase.rpc("list_my_compositions", { filter: { dialect: "html" } });
  // @ts-expect-error: it says how often
  await supabase.rpc("record_usage", { entries: [{ composition_id }] });
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
  const { data: verdict } = await supabase
    .rpc("validate_document", { document: null })
    .throwOnError();
  // @ts-expect-error: problems have no such code
  verdict.problems[0]?.code === "invalid_document";
}
