// One port in front of the parts, as Supabase's own gateway: it asks for an API key, lets
// browsers of any origin in, and passes bodies on in both directions as they come.

import { Agent, createServer, request as call } from "node:http";

const { PORT, API_KEYS, POSTGREST_PORT, AUTH_PORT } = process.env;
const keys = new Set(API_KEYS.split(" "));
const routes = [
  { prefix: "/rest/v1", part: "postgrest", port: POSTGREST_PORT, strip: true },
  { prefix: "/auth/v1", part: "auth", port: AUTH_PORT, strip: false },
];

// Idle connections end at the caller's side first, so none ends while a request is on its
// way: ours before the parts' 5 s, and our callers' before our 75 s.
const agent = new Agent({ keepAlive: true, timeout: 4_000 });
const server = createServer({ keepAliveTimeout: 75_000 }, handle);
server.listen(PORT, "127.0.0.1", () => console.log("listening"));

const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "*" };

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function handle(request, response) {
  if (request.method === "OPTIONS" && request.headers["access-control-request-method"]) {
    response.writeHead(204, {
      ...cors,
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
      "access-control-max-age": "3600",
    });
    response.end();
    return;
  }

  const [path, ...rest] = request.url.split("?");
  const query = rest.join("?");

  const route = routes.find(({ prefix }) => `${path}/`.startsWith(`${prefix}/`));
  if (!route) {
    refuse(response, 404, "no Route matched with those values");
    return;
  }
  const key = request.headers.apikey ?? new URLSearchParams(query).get("apikey");
  if (!key) {
    const hint = "No `apikey` request header or url param was found.";
    refuse(response, 401, "No API key found in request", hint);
    return;
  }
  if (!keys.has(key)) {
    const hint = "Double check your Supabase `anon` or `service_role` API key.";
    refuse(response, 401, "Invalid API key", hint);
    return;
  }

  // PostgREST would take the key for a filter. The rest stays as the caller wrote it.
  const filters = query.split("&").filter((pair) => pair && !pair.startsWith("apikey="));
  const target = (route.strip ? path.slice(route.prefix.length) : path) || "/";
  const headers = { authorization: `Bearer ${key}`, ...endToEnd(request.headers) };
  if (request.headers["transfer-encoding"]) headers["transfer-encoding"] = "chunked";

  const upstream = call({
    agent,
    headers,
    host: "127.0.0.1",
    port: route.port,
    method: request.method,
    path: filters.length ? `${target}?${filters.join("&")}` : target,
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode, { ...endToEnd(answer.headers), ...cors });
    answer.on("error", () => response.destroy());
    answer.pipe(response);
  });
  upstream.on("error", () => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, `${route.part} does not answer`, "Is it still running?");
  });
  response.on("close", () => {
    if (!response.writableFinished) upstream.destroy(); // the caller has hung up
  });
  request.pipe(upstream);
}

function refuse(response, status, message, hint) {
  response.writeHead(status, { ...cors, "content-type": "application/json" });
  response.end(JSON.stringify({ message, hint }));
}

function endToEnd(headers) {
  const named = (headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.filter(([name]) => !hopByHop.has(name) && !named.includes(name)),
  );
}
