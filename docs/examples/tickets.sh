#!/usr/bin/env bash
# A ticket's life by curl. Wants URL (http://127.0.0.1:8080), KEY (an API key) and GROUP (Telegram id of a registered group).
set -euo pipefail
api() { # METHOD PATH [BODY] [curl options]
  local method=$1 path=$2 body=${3:-}; shift; shift; [ $# -gt 0 ] && shift
  curl -sS --fail-with-body -X "$method" "$URL/api/v1$path" -H "Authorization: Bearer $KEY" ${body:+-H "Content-Type: application/json" -d "$body"} "$@"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

# Open a ticket, safe to repeat; wait up to 10 s until Telegram has opened its topic.
ticket=$(api POST /tickets "{\"title\":\"Printer is on fire\",\"groupId\":$GROUP,\"metadata\":{\"customer\":\"ACME\"}}" \
  -H "Idempotency-Key: order-4711" -H "Prefer: wait=10" | field ticketId)
echo "opened $ticket"

# Say something, with a name above it.
api POST "/tickets/$ticket/messages" '{"text":"It is the **third floor**.","format":"markdown","authorName":"Nok"}' | field state

# Send a file along.
printf 'all is well\n' > /tmp/report.$$
file=$(curl -sS --fail-with-body "$URL/api/v1/tickets/$ticket/attachments" -H "Authorization: Bearer $KEY" -F "file=@/tmp/report.$$;filename=report.txt" | field attachmentId)
rm /tmp/report.$$
api POST "/tickets/$ticket/messages" "{\"text\":\"The report\",\"attachmentIds\":[\"$file\"]}" > /dev/null

# Change it, only if nobody else has meanwhile.
etag=$(api GET "/tickets/$ticket" "" -o /dev/null -D - | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
api PATCH "/tickets/$ticket" '{"priority":"urgent"}' -H "If-Match: $etag" | field priority

# Find it again, read what was said, close it.
api GET "/tickets?status=open&q=printer%20fire" | field ticketId
api GET "/tickets/$ticket/messages?sort=-sentAt&limit=10" > /dev/null
api POST "/tickets/$ticket/close" '{"reason":"Solved"}' | field status
