// What the functions answer (docs/api.md), and `Database` with these answers:
//
//   const supabase = createClient<Database>(url, anonKey);
//
// Postgres knows an answer as jsonb and no more, so these are written by hand; a test compiles real
// answers against them. A function without a shape here answers `Json`.
import type { Database as Generated, Json } from "./database.js";

export type { Json, Tables } from "./database.js";

/** docs/document.md. What else is in it depends on the dialect. */
export type CompositionDocument = {
  format: "composition/1";
  dialect: "a2ui/0.9.1" | "json-render/1" | "json";
  [key: string]: Json | undefined;
};

/** What a write made. */
export interface Written {
  composition_id: string;
  version: number;
  content_hash: string;
  title: string;
  updated_at: string;
}

export interface CompositionSummary {
  composition_id: string;
  title: string;
  description: string;
  tags: string[];
  owner_id: string;
  organization_id: string | null;
  /** The caller's. */
  role: "owner" | "editor" | "viewer";
  version: number;
  content_hash: string;
  etag: string;
  updated_at: string;
  /** Null: no fork. */
  forked_from_id: string | null;
  forked_from_version: number | null;
}

export interface Composition extends CompositionSummary {
  document: CompositionDocument;
}

export interface VersionSummary {
  composition_id: string;
  version: number;
  content_hash: string;
  /** Null: the first. */
  parent_version: number | null;
  kind: "create" | "fork" | "save" | "restore";
  /** Null: the account is gone. */
  author_id: string | null;
  origin: { kind: string; [fact: string]: Json | undefined };
  message: string | null;
  label: string | null;
  created_at: string;
}

export interface Version extends VersionSummary {
  document: CompositionDocument;
}

/** Its grantee is a person or an organisation, or it is a link. */
export interface Share {
  composition_id: string;
  user_id: string | null;
  organization_id: string | null;
  /** Of a link its own; of a person's share the link it came by. */
  link_id: string | null;
  role: "editor" | "viewer";
  expires_at: string | null;
  /** Null: the account is gone. */
  created_by: string | null;
  created_at: string;
}

export interface Organization {
  organization_id: string;
  name: string;
  role: "owner";
  created_at: string;
}

export interface Membership {
  organization_id: string;
  user_id: string;
  role: "owner" | "admin" | "member";
  created_at: string;
}

export interface Page<Item> {
  items: Item[];
  /** Goes into `after`; null: this is the last page. */
  next: string | null;
}

/** What JSON.parse() makes of `details` of an error; the facts of a code are in docs/errors.md. */
export interface Refusal {
  code: string;
  [fact: string]: Json | undefined;
}

export interface Answers {
  add_organization_member: Membership;
  create_composition: Written;
  create_organization: Organization;
  delete_composition: Written;
  get_version: Version;
  leave_organization: Membership;
  list_my_compositions: Page<CompositionSummary>;
  list_shares: Share[];
  list_versions: Page<VersionSummary>;
  load_composition: Composition;
  purge_composition: Written;
  remove_organization_member: Membership;
  restore_version: Written;
  save_version: Written;
  set_organization_role: Membership;
  share_composition: Share;
  undelete_composition: Written;
  unshare_composition: Share;
}

type Functions = Generated["public"]["Functions"];

export type Database = Omit<Generated, "public"> & {
  public: Omit<Generated["public"], "Functions"> & {
    Functions: {
      [Name in keyof Functions]: {
        Args: Functions[Name]["Args"];
        Returns: Name extends keyof Answers ? Answers[Name] : Functions[Name]["Returns"];
      };
    };
  };
};
