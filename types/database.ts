// Generated from the database by `make types`: never edited.

export type Json = string | number | boolean | null | {
    [key: string]: Json | undefined;
} | Json[];
export type Database = {
    "public": {
        Tables: {
            "composition_layers": {
                Row: {
                    "base_hash": string;
                    "base_version": number;
                    "composition_id": string;
                    "id": string;
                    "organization_id": string | null;
                    "origin": NonNullable<Json>;
                    "patch": NonNullable<Json>;
                    "updated_at": string;
                    "user_id": string | null;
                };
                ComputedFields: never;
                Insert: {
                    "base_hash": string;
                    "base_version": number;
                    "composition_id": string;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "origin": NonNullable<Json>;
                    "patch": NonNullable<Json>;
                    "updated_at"?: string;
                    "user_id"?: string | null;
                };
                Update: {
                    "base_hash"?: string;
                    "base_version"?: number;
                    "composition_id"?: string;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "origin"?: NonNullable<Json>;
                    "patch"?: NonNullable<Json>;
                    "updated_at"?: string;
                    "user_id"?: string | null;
                };
                Relationships: [
                    {
                        foreignKeyName: "composition_layers_base_hash_fkey";
                        columns: [
                            "base_hash"
                        ];
                        isOneToOne: false;
                        referencedRelation: "compositions";
                        referencedColumns: [
                            "content_hash"
                        ];
                    },
                    {
                        foreignKeyName: "composition_layers_composition_id_fkey";
                        columns: [
                            "composition_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "user_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    },
                    {
                        foreignKeyName: "composition_layers_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "composition_pins": {
                Row: {
                    "composition_id": string;
                    "context": string;
                    "created_at": string;
                    "id": string;
                    "organization_id": string | null;
                    "position": number;
                    "user_id": string | null;
                };
                ComputedFields: never;
                Insert: {
                    "composition_id": string;
                    "context": string;
                    "created_at"?: string;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "position"?: number;
                    "user_id"?: string | null;
                };
                Update: {
                    "composition_id"?: string;
                    "context"?: string;
                    "created_at"?: string;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "position"?: number;
                    "user_id"?: string | null;
                };
                Relationships: [
                    {
                        foreignKeyName: "composition_pins_composition_id_fkey";
                        columns: [
                            "composition_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "user_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    },
                    {
                        foreignKeyName: "composition_pins_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "composition_usage": {
                Row: {
                    "composition_id": string;
                    "day": string;
                    "hits": number;
                    "loads": number;
                };
                ComputedFields: never;
                Insert: {
                    "composition_id": string;
                    "day": string;
                    "hits"?: number;
                    "loads"?: number;
                };
                Update: {
                    "composition_id"?: string;
                    "day"?: string;
                    "hits"?: number;
                    "loads"?: number;
                };
                Relationships: [
                    {
                        foreignKeyName: "composition_usage_composition_id_fkey";
                        columns: [
                            "composition_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "user_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "composition_versions": {
                Row: {
                    "author_id": string | null;
                    "composition_id": string;
                    "content_hash": string;
                    "created_at": string;
                    "kind": string;
                    "label": string | null;
                    "message": string | null;
                    "origin": NonNullable<Json>;
                    "parent_version": number | null;
                    "version": number;
                };
                ComputedFields: never;
                Insert: {
                    "author_id"?: string | null;
                    "composition_id": string;
                    "content_hash": string;
                    "created_at"?: string;
                    "kind": string;
                    "label"?: string | null;
                    "message"?: string | null;
                    "origin": NonNullable<Json>;
                    "parent_version"?: number | null;
                    "version": number;
                };
                Update: {
                    "author_id"?: string | null;
                    "composition_id"?: string;
                    "content_hash"?: string;
                    "created_at"?: string;
                    "kind"?: string;
                    "label"?: string | null;
                    "message"?: string | null;
                    "origin"?: NonNullable<Json>;
                    "parent_version"?: number | null;
                    "version"?: number;
                };
                Relationships: [
                    {
                        foreignKeyName: "composition_versions_composition_id_fkey";
                        columns: [
                            "composition_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "user_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    },
                    {
                        foreignKeyName: "composition_versions_content_hash_fkey";
                        columns: [
                            "content_hash"
                        ];
                        isOneToOne: false;
                        referencedRelation: "compositions";
                        referencedColumns: [
                            "content_hash"
                        ];
                    }
                ];
            };
            "compositions": {
                Row: {
                    "content_hash": string;
                    "dialect": string | null;
                    "document": NonNullable<Json>;
                };
                ComputedFields: never;
                Insert: {
                    "content_hash": string;
                    "dialect"?: never;
                    "document": NonNullable<Json>;
                };
                Update: {
                    "content_hash"?: string;
                    "dialect"?: never;
                    "document"?: NonNullable<Json>;
                };
                Relationships: [
                ];
            };
            "organization_invitations": {
                Row: {
                    "created_at": string;
                    "created_by": string;
                    "email": string;
                    "expires_at": string;
                    "id": string;
                    "organization_id": string;
                    "role": string;
                    "token_hash": string;
                };
                ComputedFields: never;
                Insert: {
                    "created_at"?: string;
                    "created_by"?: string;
                    "email": string;
                    "expires_at": string;
                    "id"?: string;
                    "organization_id": string;
                    "role": string;
                    "token_hash": string;
                };
                Update: {
                    "created_at"?: string;
                    "created_by"?: string;
                    "email"?: string;
                    "expires_at"?: string;
                    "id"?: string;
                    "organization_id"?: string;
                    "role"?: string;
                    "token_hash"?: string;
                };
                Relationships: [
                    {
                        foreignKeyName: "organization_invitations_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "organization_members": {
                Row: {
                    "created_at": string;
                    "organization_id": string;
                    "role": string;
                    "user_id": string;
                };
                ComputedFields: never;
                Insert: {
                    "created_at"?: string;
                    "organization_id": string;
                    "role": string;
                    "user_id": string;
                };
                Update: {
                    "created_at"?: string;
                    "organization_id"?: string;
                    "role"?: string;
                    "user_id"?: string;
                };
                Relationships: [
                    {
                        foreignKeyName: "organization_members_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "organizations": {
                Row: {
                    "created_at": string;
                    "id": string;
                    "name": string;
                };
                ComputedFields: never;
                Insert: {
                    "created_at"?: string;
                    "id"?: string;
                    "name": string;
                };
                Update: {
                    "created_at"?: string;
                    "id"?: string;
                    "name"?: string;
                };
                Relationships: [
                ];
            };
            "shared_compositions": {
                Row: {
                    "composition_id": string;
                    "created_at": string;
                    "created_by": string | null;
                    "expires_at": string | null;
                    "id": string;
                    "link_id": string | null;
                    "organization_id": string | null;
                    "role": string;
                    "token_hash": string | null;
                    "user_id": string | null;
                };
                ComputedFields: never;
                Insert: {
                    "composition_id": string;
                    "created_at"?: string;
                    "created_by"?: string | null;
                    "expires_at"?: string | null;
                    "id"?: string;
                    "link_id"?: string | null;
                    "organization_id"?: string | null;
                    "role": string;
                    "token_hash"?: string | null;
                    "user_id"?: string | null;
                };
                Update: {
                    "composition_id"?: string;
                    "created_at"?: string;
                    "created_by"?: string | null;
                    "expires_at"?: string | null;
                    "id"?: string;
                    "link_id"?: string | null;
                    "organization_id"?: string | null;
                    "role"?: string;
                    "token_hash"?: string | null;
                    "user_id"?: string | null;
                };
                Relationships: [
                    {
                        foreignKeyName: "shared_compositions_composition_id_fkey";
                        columns: [
                            "composition_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "user_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    },
                    {
                        foreignKeyName: "shared_compositions_link_id_fkey";
                        columns: [
                            "link_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "shared_compositions";
                        referencedColumns: [
                            "id"
                        ];
                    },
                    {
                        foreignKeyName: "shared_compositions_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
            "user_compositions": {
                Row: {
                    "created_at": string;
                    "current_hash": string | null;
                    "current_version": number;
                    "deleted_at": string | null;
                    "description": string;
                    "forked_from_id": string | null;
                    "forked_from_version": number | null;
                    "id": string;
                    "organization_id": string | null;
                    "owner_id": string;
                    "search_text": string;
                    "tags": (string)[];
                    "title": string;
                    "updated_at": string;
                };
                ComputedFields: never;
                Insert: {
                    "created_at"?: string;
                    "current_hash"?: string | null;
                    "current_version"?: number;
                    "deleted_at"?: string | null;
                    "description"?: string;
                    "forked_from_id"?: string | null;
                    "forked_from_version"?: number | null;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "owner_id": string;
                    "search_text"?: string;
                    "tags"?: (string)[];
                    "title": string;
                    "updated_at"?: string;
                };
                Update: {
                    "created_at"?: string;
                    "current_hash"?: string | null;
                    "current_version"?: number;
                    "deleted_at"?: string | null;
                    "description"?: string;
                    "forked_from_id"?: string | null;
                    "forked_from_version"?: number | null;
                    "id"?: string;
                    "organization_id"?: string | null;
                    "owner_id"?: string;
                    "search_text"?: string;
                    "tags"?: (string)[];
                    "title"?: string;
                    "updated_at"?: string;
                };
                Relationships: [
                    {
                        foreignKeyName: "user_compositions_current_hash_fkey";
                        columns: [
                            "current_hash"
                        ];
                        isOneToOne: false;
                        referencedRelation: "compositions";
                        referencedColumns: [
                            "content_hash"
                        ];
                    },
                    {
                        foreignKeyName: "user_compositions_organization_id_fkey";
                        columns: [
                            "organization_id"
                        ];
                        isOneToOne: false;
                        referencedRelation: "organizations";
                        referencedColumns: [
                            "id"
                        ];
                    }
                ];
            };
        };
        Views: {
            [_ in never]: never;
        };
        Functions: {
            "accept_invitation": {
                Args: {
                    "token": string;
                };
                Returns: Json;
            };
            "accept_share_link": {
                Args: {
                    "token": string;
                };
                Returns: Json;
            };
            "acknowledge_invalidations": {
                Args: {
                    "ids": Json;
                };
                Returns: Json;
            };
            "add_organization_member": {
                Args: {
                    "organization_id": string;
                    "role": string;
                    "user_id": string;
                };
                Returns: Json;
            };
            "call_once": {
                Args: {
                    "arguments": Json;
                    "function": string;
                    "mutation_id": string;
                };
                Returns: Json;
            };
            "clear_parameter": {
                Args: {
                    "base_version"?: number;
                    "composition_id": string;
                    "message"?: string;
                    "name": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "create_composition": {
                Args: {
                    "description"?: string;
                    "document": Json;
                    "message"?: string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "tags"?: (string)[];
                    "title": string;
                };
                Returns: Json;
            };
            "create_organization": {
                Args: {
                    "name": string;
                };
                Returns: Json;
            };
            "create_share_link": {
                Args: {
                    "composition_id": string;
                    "expires_at"?: string;
                    "role": string;
                };
                Returns: Json;
            };
            "current_etags": {
                Args: {
                    "entries": Json;
                };
                Returns: Json;
            };
            "delete_composition": {
                Args: {
                    "base_version"?: number;
                    "composition_id": string;
                };
                Returns: Json;
            };
            "delete_my_account": {
                Args: {
                    "email": string;
                };
                Returns: Json;
            };
            "diff_versions": {
                Args: {
                    "composition_id": string;
                    "from_version": number;
                    "to_version": number;
                };
                Returns: Json;
            };
            "export_my_data": {
                Args: {
                    "after"?: string;
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "fork_composition": {
                Args: {
                    "composition_id": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "title"?: string;
                    "version"?: number;
                };
                Returns: Json;
            };
            "get_document": {
                Args: {
                    "content_hash": string;
                };
                Returns: Json;
            };
            "get_layer": {
                Args: {
                    "composition_id": string;
                    "organization_id"?: string;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "get_version": {
                Args: {
                    "composition_id": string;
                    "version": number;
                };
                Returns: Json;
            };
            "invite_to_organization": {
                Args: {
                    "email": string;
                    "organization_id": string;
                    "role": string;
                };
                Returns: Json;
            };
            "label_version": {
                Args: {
                    "composition_id": string;
                    "label": string;
                    "version": number;
                };
                Returns: Json;
            };
            "leave_organization": {
                Args: {
                    "organization_id": string;
                };
                Returns: Json;
            };
            "list_invitations": {
                Args: {
                    "organization_id": string;
                };
                Returns: Json;
            };
            "list_my_compositions": {
                Args: {
                    "after"?: string;
                    "filter"?: Json;
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "list_pins": {
                Args: Record<PropertyKey, never>;
                Returns: Json;
            };
            "list_shares": {
                Args: {
                    "composition_id": string;
                };
                Returns: Json;
            };
            "list_versions": {
                Args: {
                    "after"?: string;
                    "composition_id": string;
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "load_composition": {
                Args: {
                    "composition_id": string;
                    "known_etags"?: (string)[];
                    "layered"?: boolean;
                };
                Returns: Json;
            };
            "load_for_warming": {
                Args: {
                    "composition_ids": (string)[];
                };
                Returns: Json;
            };
            "load_home": {
                Args: {
                    "known_etags"?: (string)[];
                };
                Returns: Json;
            };
            "open_share_link": {
                Args: {
                    "token": string;
                };
                Returns: Json;
            };
            "patch_composition": {
                Args: {
                    "base_version": number;
                    "composition_id": string;
                    "format"?: string;
                    "message"?: string;
                    "on_conflict"?: string;
                    "origin"?: Json;
                    "patch": Json;
                };
                Returns: Json;
            };
            "pending_invalidations": {
                Args: {
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "pin_composition": {
                Args: {
                    "composition_id": string;
                    "context": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "position"?: number;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "popular_compositions": {
                Args: {
                    "days"?: number;
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "preview_merge": {
                Args: {
                    "base_version": number;
                    "composition_id": string;
                    "document"?: Json;
                    "format"?: string;
                    "patch"?: Json;
                };
                Returns: Json;
            };
            "promote_layer": {
                Args: {
                    "composition_id": string;
                    "fork_organization_id"?: string;
                    "into"?: string;
                    "message"?: string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "scope"?: string;
                    "title"?: string;
                };
                Returns: Json;
            };
            "purge_composition": {
                Args: {
                    "composition_id": string;
                };
                Returns: Json;
            };
            "purge_trash": {
                Args: {
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "purge_versions": {
                Args: {
                    "row_limit"?: number;
                };
                Returns: Json;
            };
            "record_usage": {
                Args: {
                    "entries": Json;
                };
                Returns: Json;
            };
            "remove_organization_member": {
                Args: {
                    "organization_id": string;
                    "user_id": string;
                };
                Returns: Json;
            };
            "reset_layer": {
                Args: {
                    "composition_id": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "paths"?: (string)[];
                    "scope"?: string;
                };
                Returns: Json;
            };
            "resolve_context": {
                Args: {
                    "context": string;
                    "known_etags"?: (string)[];
                };
                Returns: Json;
            };
            "restore_version": {
                Args: {
                    "composition_id": string;
                    "message"?: string;
                    "origin"?: Json;
                    "version": number;
                };
                Returns: Json;
            };
            "revoke_invitation": {
                Args: {
                    "invitation_id": string;
                };
                Returns: Json;
            };
            "revoke_share_link": {
                Args: {
                    "link_id": string;
                };
                Returns: Json;
            };
            "save_version": {
                Args: {
                    "base_version": number;
                    "composition_id": string;
                    "document": Json;
                    "message"?: string;
                    "on_conflict"?: string;
                    "origin"?: Json;
                };
                Returns: Json;
            };
            "set_layer": {
                Args: {
                    "base_version": number;
                    "composition_id": string;
                    "format"?: string;
                    "mode"?: string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "patch": Json;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "set_organization_role": {
                Args: {
                    "organization_id": string;
                    "role": string;
                    "user_id": string;
                };
                Returns: Json;
            };
            "set_parameter": {
                Args: {
                    "base_version"?: number;
                    "composition_id": string;
                    "message"?: string;
                    "name": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "parameter": Json;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "share_composition": {
                Args: {
                    "composition_id": string;
                    "expires_at"?: string;
                    "organization_id"?: string;
                    "role": string;
                    "user_id"?: string;
                };
                Returns: Json;
            };
            "transfer_composition": {
                Args: {
                    "composition_id": string;
                    "organization_id"?: string;
                    "user_id"?: string;
                };
                Returns: Json;
            };
            "undelete_composition": {
                Args: {
                    "composition_id": string;
                };
                Returns: Json;
            };
            "undo_turn": {
                Args: {
                    "conversation"?: string;
                    "origin"?: Json;
                    "turn": string;
                };
                Returns: Json;
            };
            "unpin_composition": {
                Args: {
                    "context": string;
                    "organization_id"?: string;
                    "origin"?: Json;
                    "scope"?: string;
                };
                Returns: Json;
            };
            "unshare_composition": {
                Args: {
                    "composition_id": string;
                    "organization_id"?: string;
                    "user_id"?: string;
                };
                Returns: Json;
            };
            "update_from_upstream": {
                Args: {
                    "apply"?: boolean;
                    "base_version"?: number;
                    "composition_id": string;
                    "message"?: string;
                    "on_conflict"?: string;
                    "origin"?: Json;
                };
                Returns: Json;
            };
            "update_metadata": {
                Args: {
                    "composition_id": string;
                    "description"?: string;
                    "tags"?: (string)[];
                    "title"?: string;
                };
                Returns: Json;
            };
            "validate_document": {
                Args: {
                    "document": Json;
                };
                Returns: Json;
            };
        };
        Enums: {
            [_ in never]: never;
        };
        CompositeTypes: {
            [_ in never]: never;
        };
    };
};
type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;
type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];
export type Tables<DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"]) | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]) : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
    Row: infer R;
} ? R : never : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"]) ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
    Row: infer R;
} ? R : never : never;
export type TablesInsert<DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
} ? I : never : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
    Insert: infer I;
} ? I : never : never;
export type TablesUpdate<DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
} ? U : never : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
    Update: infer U;
} ? U : never : never;
export type Enums<DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"] | {
    schema: keyof DatabaseWithoutInternals;
}, EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"] : never = never> = DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName] : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"] ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions] : never;
export type CompositeTypes<PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"] | {
    schema: keyof DatabaseWithoutInternals;
}, CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"] : never = never> = PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName] : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"] ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions] : never;
export const Constants = {
    "public": {
        Enums: {}
    }
} as const;
