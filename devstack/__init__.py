"""The local stack: Postgres, PostgREST, auth and one gateway, on loopback, without Docker."""
