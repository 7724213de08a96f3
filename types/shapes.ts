// What the functions answer and take (docs/api.md), and `Database` with that:
//
//   const supabase = createClient<Database>(url, anonKey);
//
// Postgres knows these as jsonb and no more, so they are written by hand; a test compiles real
// answers against them. A function without a shape here answers `Json`.
import type { Database as Generated, Json } from "./database.js";

export type { Json, Tables } from "./database.js";

export type Dialect = "a2ui/0.9.1" | "json-render/1" | "json";

/** docs/document.md. What else is in it depends on the dialect. */
export type CompositionDocument = {
  format: "composition/1";
  dialect: Dialect;
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

/** How a save went: with `merged` if it was stale, and asked to be merged. */
export interface Saved extends Written {
  merged?: boolean;
  /** Not merged: why. */
  conflicts?: MergeConflict[];
  /** Not merged: the version that keeps the document; `version` is still the head. */
  conflict_version?: number;
}

/** What cannot be merged, docs/merge.md. What is not there is left out. */
export interface MergeConflict {
  /** A JSON Pointer, with elements that have an id by it. */
  path: string;
  kind: "both_changed" | "delete_edit" | "edit_delete" | "order" | "structure";
  base?: Json;
  head?: Json;
  mine?: Json;
  /** Of a structure: what is wrong with what the merge would make. */
  problems?: Problem[];
}

export interface MergePreview {
  current: LoadedComposition;
  merged?: CompositionDocument;
  conflicts: MergeConflict[];
}

export interface Transferred extends Written {
  owner_id: string;
  /** Null: personal. */
  organization_id: string | null;
}

/** What update_from_upstream() would do. */
export interface UpstreamPreview {
  upstream_id: string;
  from_version: number;
  to_version: number;
  up_to_date: boolean;
  /** What would change in the fork. */
  patch: Operation[];
  sentences: string[];
  conflicts: MergeConflict[];
  /** What the fork would be; none: the changes of both do not go together. */
  merged?: CompositionDocument;
}

/** What update_from_upstream() has done. */
export interface UpstreamUpdate extends Written {
  upstream_id: string;
  from_version: number;
  to_version: number;
  /** Then nothing was done. */
  up_to_date: boolean;
  /** Where the fork stays as it was. */
  conflicts: MergeConflict[];
  merged?: true;
}

/** What undo_turn() has changed. */
export interface UndoneTurn {
  turn: string;
  compositions: Written[];
  /** The ids of those that the turn had made. */
  trashed: string[];
  layers: { composition_id: string; scope: "me" | "organization"; organization_id: string | null }[];
  pins: {
    context: string;
    scope: "me" | "organization";
    organization_id: string | null;
    /** Null: nothing is pinned there. */
    composition_id: string | null;
    position: number | null;
  }[];
  /** Organisations whose members see other layers or pins. */
  organization_ids: string[];
}

/** What validate_document() says, and by `problems` what a save is refused for. */
export interface Verdict {
  valid: boolean;
  problems: Problem[];
}

export interface Problem {
  code: ProblemCode;
  /** A JSON Pointer. */
  path: string;
  message: string;
  expected?: string;
  allowed?: string[];
  /** What was probably meant. */
  nearest?: string;
}

/** What each means is in docs/errors.md. */
export type ProblemCode =
  | "too_large"
  | "too_deep"
  | "number_out_of_range"
  | "unknown_format"
  | "unknown_dialect"
  | "unknown_key"
  | "wrong_type"
  | "missing_root"
  | "missing_component"
  | "bad_component_id"
  | "unresolved_child"
  | "two_parents"
  | "child_cycle"
  | "unreachable_component"
  | "bad_parameter"
  | "unknown_source";

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

export interface ListedComposition extends CompositionSummary {
  /** Only of what is in the trash. */
  deleted_at?: string;
}

export interface Composition extends CompositionSummary {
  document: CompositionDocument;
}

export interface StoredDocument {
  content_hash: string;
  document: CompositionDocument;
}

/** Without the document where its etag was one of known_etags. */
export type LoadedComposition =
  | (Composition & { unchanged?: undefined; layers?: AppliedLayer[] })
  | (CompositionSummary & { unchanged: true; document?: undefined; layers?: undefined });

/** Whose pin a composition was chosen by. */
export type Reason = {
  context: string;
  /** For people: pinned by you, default of Northwind. */
  text: string;
} & (
  | { scope: "me"; organization_id?: undefined }
  | { scope: "organization"; organization_id: string }
);

export type ResolvedComposition = LoadedComposition & { reason: Reason };

/** Where something is pinned. */
export type PinPlace = {
  context: string;
  /** Among the contexts, for whoever shows them as a list. */
  position: number;
} & (
  | { scope: "me"; organization_id: null }
  | { scope: "organization"; organization_id: string }
);

/** What is pinned there; null: the caller may not view it now. */
export type Pin = PinPlace & { composition_id: string | null };

export type ListedPin = PinPlace & {
  composition_id: string;
  title: string;
  role: "owner" | "editor" | "viewer";
};

/** All that a first page needs. */
export interface Home {
  /** As of resolve_context("home"), but that its document is missing where the page is unchanged. */
  home:
    | (CompositionSummary & {
        document?: CompositionDocument;
        layers?: AppliedLayer[];
        reason: Reason;
      })
    | null;
  contexts: PinPlace[];
  /** The one that they have belonged to for longest first. */
  organizations: { organization_id: string; name: string; role: Membership["role"] }[];
  etag: string;
  /** Of home; 0 without one. */
  version: number;
  unchanged?: true;
}

/** How well a layer applies to the head. */
export interface LayerFit {
  base_version: number;
  /** Stale: parts that it changes are gone; conflict: parts of it were changed in the head, too. */
  state: "applied" | "stale" | "conflict";
  /** Of these parts. */
  paths: string[];
  /** What they are: as many as there are paths. */
  conflicts?: MergeConflict[];
}

/** One of what lies over the head in what was loaded, the lowest first. */
export type AppliedLayer = LayerFit &
  (
    | { scope: "me"; organization_id?: undefined }
    | { scope: "organization"; organization_id: string }
  );

/** What somebody, or an organisation, has changed about a composition for themselves. */
export type Layer = {
  composition_id: string;
  /** Of the head. */
  version: number;
  /** The paths of all that it changes, for reset_layer(). */
  changes: string[];
  patch: Operation[];
  /** The same for people. */
  sentences: string[];
} & (
  | { scope: "me"; organization_id: null }
  | { scope: "organization"; organization_id: string }
) &
  (
    | (LayerFit & { updated_at: string })
    | { state: "none"; base_version: null; updated_at: null; paths: []; conflicts?: undefined }
  );

/** What a link shows. */
export interface LinkedComposition extends Composition {
  /** The link's. */
  role: "editor" | "viewer";
}

export interface VersionSummary {
  composition_id: string;
  version: number;
  content_hash: string;
  /** Null: the first. */
  parent_version: number | null;
  kind: "create" | "fork" | "save" | "restore" | "merge" | "conflict" | "undo" | "upstream";
  /** Null: the account is gone. */
  author_id: string | null;
  origin: { kind: string; agent?: string; conversation?: string; turn?: string } & {
    [fact: string]: Json | undefined;
  };
  message: string | null;
  label: string | null;
  created_at: string;
}

export interface Version extends VersionSummary {
  document: CompositionDocument;
}

export interface Difference {
  /** Makes the one document the other. */
  patch: Operation[];
  /** The same for people. */
  sentences: string[];
}

/** Of RFC 6902, as far as patches here use it. */
export type Operation =
  | { op: "add" | "replace"; path: string; value: Json }
  | { op: "remove"; path: string };

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

export interface NewShareLink {
  link_id: string;
  composition_id: string;
  role: "editor" | "viewer";
  expires_at: string | null;
  created_by: string;
  created_at: string;
  /** Shown this once. */
  token: string;
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

export interface Invitation {
  invitation_id: string;
  organization_id: string;
  email: string;
  role: "owner" | "admin" | "member";
  expires_at: string;
  created_by: string;
  created_at: string;
}

export interface NewInvitation extends Invitation {
  /** Shown this once. */
  token: string;
}

export interface OwnMembership extends Membership {
  /** Of the organisation. */
  name: string;
}

/** A page of it: a list that is not there has ended before, or begins on a later one. */
export interface ExportedData {
  /** On the first page. */
  account?: { user_id: string; email: string | null; created_at: string };
  memberships?: OwnMembership[];
  invitations?: Invitation[];
  shares_given?: Share[];
  shares_received?: Share[];
  authored?: VersionSummary[];
  layers?: ExportedLayer[];
  pins?: (Pin & { created_at: string })[];
  /** The last of one page may go on as the first of the next one. */
  compositions: ExportedComposition[];
  next: string | null;
}

export interface ExportedLayer {
  composition_id: string;
  base_version: number;
  patch: Operation[];
  origin: { kind: string; [fact: string]: Json | undefined };
  updated_at: string;
}

export interface ExportedComposition extends Omit<CompositionSummary, "role" | "etag"> {
  created_at: string;
  /** Null: not in the trash. */
  deleted_at: string | null;
  versions: Version[];
}

/** What caches must forget: all of a composition, or all of a person. */
export type Invalidation = { id: number; created_at: string; attempts: number } & (
  | { composition_id: string; user_id: null }
  | { composition_id: null; user_id: string }
);

export interface CurrentEtag {
  composition_id: string;
  user_id: string;
  /** As it was asked. */
  layered?: false;
  context?: string;
  home?: true;
  /** Null: a load would be refused, or would choose another composition. */
  etag: string | null;
}

export interface Popular {
  composition_id: string;
  loads: number;
  /** How many of these loads a cache answered. */
  hits: number;
  current_version: number;
  content_hash: string;
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

/** What list_my_compositions() takes; null is as good as left out. */
export interface CompositionFilter {
  search?: string | null;
  owner_id?: string | null;
  organization_id?: string | null;
  shared?: boolean | null;
  tag?: string | null;
  dialect?: Dialect | null;
  trashed?: boolean | null;
}

/** Who made something and how, beside the person, whom the token names. */
export interface Origin {
  kind?: "user" | "agent" | "sync" | "import";
  agent?: string;
  conversation?: string;
  turn?: string;
}

/** What record_usage() takes. */
export interface UsageEntry {
  composition_id: string;
  loads: number;
  hits?: number;
  /** Such as 2026-11-24, by UTC. */
  day?: string;
}

export interface Answers {
  accept_invitation: Membership;
  accept_share_link: Share;
  acknowledge_invalidations: { acknowledged: number };
  add_organization_member: Membership;
  /** What the function returns. */
  call_once: Json;
  clear_parameter: Written | Layer;
  create_composition: Written;
  create_organization: Organization;
  create_share_link: NewShareLink;
  current_etags: CurrentEtag[];
  delete_composition: Written;
  delete_my_account: { user_id: string; owner_ids: string[] };
  diff_versions: Difference;
  export_my_data: ExportedData;
  fork_composition: Written;
  get_document: StoredDocument;
  get_layer: Layer;
  get_version: Version;
  invite_to_organization: NewInvitation;
  label_version: VersionSummary;
  leave_organization: Membership;
  list_invitations: Invitation[];
  list_my_compositions: Page<ListedComposition>;
  list_pins: ListedPin[];
  list_shares: Share[];
  list_versions: Page<VersionSummary>;
  load_composition: LoadedComposition;
  load_for_warming: Composition[];
  load_home: Home;
  open_share_link: LinkedComposition;
  patch_composition: Saved;
  pending_invalidations: Invalidation[];
  pin_composition: Pin;
  popular_compositions: Popular[];
  preview_merge: MergePreview;
  promote_layer: Written;
  purge_composition: Written;
  purge_trash: { purged: number; content_collected: number; more: boolean };
  purge_versions: { purged: number; more: boolean };
  record_usage: { recorded: number };
  remove_organization_member: Membership;
  reset_layer: Layer;
  resolve_context: ResolvedComposition;
  restore_version: Written;
  revoke_invitation: Invitation;
  revoke_share_link: Share;
  save_version: Saved;
  set_layer: Layer;
  set_organization_role: Membership;
  set_parameter: Written | Layer;
  share_composition: Share;
  transfer_composition: Transferred;
  undelete_composition: Written;
  undo_turn: UndoneTurn;
  unpin_composition: Pin;
  unshare_composition: Share;
  update_from_upstream: UpstreamPreview | UpstreamUpdate;
  update_metadata: Written;
  validate_document: Verdict;
}

/** Arguments of which more is known than Postgres says: it does not know which may be null. */
export interface Arguments {
  acknowledge_invalidations: { ids: number[] };
  clear_parameter: { origin?: Origin | null };
  create_composition: { origin?: Origin | null };
  current_etags: {
    entries: {
      composition_id: string;
      user_id: string;
      layered?: false;
      context?: string;
      home?: true;
    }[];
  };
  delete_my_account: { email: string | null };
  fork_composition: { origin?: Origin | null };
  label_version: { label: string | null };
  list_my_compositions: { filter?: CompositionFilter };
  patch_composition: { origin?: Origin | null };
  record_usage: { entries: UsageEntry[] };
  restore_version: { origin?: Origin | null };
  save_version: { origin?: Origin | null };
  set_parameter: { origin?: Origin | null };
  undo_turn: { origin?: Origin | null };
  update_from_upstream: { origin?: Origin | null };
}

type Functions = Generated["public"]["Functions"];

export type Database = Omit<Generated, "public"> & {
  public: Omit<Generated["public"], "Functions"> & {
    Functions: {
      [Name in keyof Functions]: {
        Args: Name extends keyof Arguments
          ? Omit<Functions[Name]["Args"], keyof Arguments[Name]> & Arguments[Name]
          : Functions[Name]["Args"];
        Returns: Name extends keyof Answers ? Answers[Name] : Functions[Name]["Returns"];
      };
    };
  };
};
