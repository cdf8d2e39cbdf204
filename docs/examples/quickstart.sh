#!/usr/bin/env bash
# The quick start of docs/api.md, word for word, as one script: it stops at the first error.
set -euo pipefail

API=${TOPICDESK_URL:-http://127.0.0.1:8080}/api/v1

# A key that lasts a day, made beside the running service, in its folder. It is alone on the last line.
KEY=$(topicdesk apikey create --name "Quick start" --scopes admin --expires 1d | tail -n 1)

# curl with the key, which stays out of the list of processes; an error is shown with its code, and is an error here too.
api() { curl -sS --fail-with-body -H @<(printf 'Authorization: Bearer %s\n' "$KEY") "$@"; }
json() { api -H 'Content-Type: application/json' "$@"; }
field() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; } # of a short answer; programs take a JSON library, people jq

# Who am I?
KEY_ID=$(api "$API/me" | field keyId)

# A group that the bot is in; tickets are opened there.
GROUP=$(api "$API/groups?limit=1" | field telegramGroupId)

# A ticket. The Idempotency-Key makes it safe to repeat; Prefer waits until its topic is open in Telegram.
RUN=$(date +%s)-$$
TICKET=$(json "$API/tickets" -H "Idempotency-Key: ticket-$RUN" -H 'Prefer: wait=20' \
  -d "{\"groupId\":$GROUP,\"title\":\"Printer is on fire\",\"priority\":\"high\",\"metadata\":{\"order\":\"4711\"}}" | field ticketId)

# A message into all its topics, under the name of a customer.
json "$API/tickets/$TICKET/messages" -H "Idempotency-Key: message-$RUN" \
  -d '{"text":"It smells of **toner**.","format":"markdown","authorName":"Mia of ACME"}'

# The ticket, what was said in it and what became of that, its history (an event is in it within a second).
api "$API/tickets/$TICKET"
api "$API/tickets/$TICKET/messages"
api "$API/tickets/$TICKET/events"

# My open tickets, the newest first; nextCursor leads on.
api "$API/tickets?status=open&createdBy=apiKey:$KEY_ID&limit=10"

# Done. The key is not needed any more either.
json "$API/tickets/$TICKET/close" -H "Idempotency-Key: close-$RUN" -d '{"reason":"A new printer is here"}'
api -X DELETE "$API/api-keys/$KEY_ID"
