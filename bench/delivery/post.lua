-- SPDX-License-Identifier: PostgreSQL
-- wrk: POST a body of as many bytes as $BODY_BYTES says, with the headers of a webhook.
wrk.method = "POST"
wrk.body = string.rep("x", tonumber(os.getenv("BODY_BYTES")))
wrk.headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
wrk.headers["webhook-id"] = "01988c3e-0000-7000-8000-000000000000"
wrk.headers["webhook-timestamp"] = "1750000000"
wrk.headers["webhook-signature"] = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
