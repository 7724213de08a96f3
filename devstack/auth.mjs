// Sign-up, sign-in and tokens under /auth/v1: @supabase/lite on the stack's Postgres.
//
// Works as supabase_auth_admin, which owns the tables of schema auth and nothing else, so
// what lite does beside auth (granting tables, keeping migrations) is out of its reach.

import { createServer } from "node:http";
import { App } from "@supabase/lite";
import { PostgresConnection } from "@supabase/lite/postgres";

const { PORT, DATABASE_URL, JWT_SECRET } = process.env;

// lite passes JSON as text and as values, its driver would encode the text once more.
const json = {
  serialize: (value) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: JSON.parse,
};

// "2026-01-02 03:04:05.6+00" is what Postgres prints and what supabase-py refuses.
const timestamptz = {
  serialize: (value) => (value instanceof Date ? value.toISOString() : value),
  parse: (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"),
};

const connection = new PostgresConnection({
  url: DATABASE_URL,
  postgresOptions: {
    max: 5,
    onnotice: () => {},
    types: {
      json: { to: 114, from: [114], ...json },
      jsonb: { to: 3802, from: [3802], ...json },
      timestamptz: { to: 1184, from: [1184], ...timestamptz },
    },
  },
});

const app = new App({
  connection,
  api: { enabled: false },
  studio: { enabled: false },
  db: { migrations: { enabled: false } },
  auth: {
    enabled: true,
    jwt_secret: JWT_SECRET,
    email: { enable_signup: true, enable_confirmations: false },
  },
  options: { server: { admin: false } },
});
await app.ensureSystemSchema();

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const hasBody = !["GET", "HEAD"].includes(request.method);
  const reply = await app.fetch(
    new Request(new URL(request.url, `http://${request.headers.host}`), {
      method: request.method,
      headers: request.headers,
      body: hasBody ? Buffer.concat(chunks) : undefined,
    }),
    { peerAddress: null },
  );
  response.writeHead(reply.status, [...reply.headers].flat());
  response.end(Buffer.from(await reply.arrayBuffer()));
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ message: "auth failed, see its log" }));
  });
}).listen(PORT, "127.0.0.1", () => console.log("listening"));
