package delivery

// presets are bodies for the incoming webhooks of well-known products. Each works with every type of event, whatever
// its data lack. People's words go where the product reads no markup, or by inert, so that a customer can't call
// everybody of a team by writing @all.
var presets = map[string]string{
	"slack":       slack,
	"discord":     discord,
	"mattermost":  mattermost,
	"teams":       teams,
	"generic-crm": genericCRM,
}

// what all chats say: a headline, the words, and a line of facts.
const presetValues = `{{- $ticket := index .data "ticket" -}}
{{- $message := index .data "message" -}}
{{- $title := index $ticket "title" | default .ticketId | default .type -}}
{{- $words := index $message "text" | default (index .data "reason") | default (index $ticket "description") -}}
{{- $who := index $message "sender" "name" | default (index .data "actor" "name") | default "" -}}
`

// Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and the reference of blocks. text
// is what notifications show; a header has at most 150 characters, other text 3,000, and an emoji counts as two.
// plain_text has no markup, and its mentions call nobody.
const slack = presetValues + `{
 "text": {{quote .type}},
 "blocks": [
  {"type": "header", "text": {"type": "plain_text", "text": {{truncate 75 $title | quote}}, "emoji": false}},
{{- if $words}}
  {"type": "section", "text": {"type": "plain_text", "text": {{truncate 1500 $words | quote}}, "emoji": false}},
{{- end}}
  {"type": "context", "elements": [
{{- if $who}}
   {"type": "plain_text", "text": {{truncate 140 $who | quote}}, "emoji": false},
{{- end}}
{{- if .ticketId}}
   {"type": "plain_text", "text": {{quote .ticketId}}, "emoji": false},
{{- end}}
{{- with index $ticket "status"}}
   {"type": "plain_text", "text": {{quote .}}, "emoji": false},
{{- end}}
{{- with index $ticket "priority"}}
   {"type": "plain_text", "text": {{quote .}}, "emoji": false},
{{- end}}
   {"type": "plain_text", "text": {{quote .type}}, "emoji": false}
  ]}
 ]
}`

// Discord: https://discord.com/developers/docs/resources/webhook#execute-webhook. An embed's title has at most 256
// characters, its description 4,096, the value of a field 1,024; a field must not be empty. allowed_mentions calls
// nobody.
const discord = presetValues + `{
 "allowed_mentions": {"parse": []},
 "embeds": [{
  "title": {{truncate 120 $title | inert | quote}},
{{- if $words}}
  "description": {{truncate 1800 $words | inert | quote}},
{{- end}}
{{- if $who}}
  "author": {"name": {{truncate 120 $who | quote}}},
{{- end}}
  "fields": [
{{- if .ticketId}}
   {"name": "Ticket", "value": {{quote .ticketId}}, "inline": true},
{{- end}}
{{- with index $ticket "status"}}
   {"name": "Status", "value": {{quote .}}, "inline": true},
{{- end}}
{{- with index $ticket "priority"}}
   {"name": "Priority", "value": {{quote .}}, "inline": true},
{{- end}}
   {"name": "Event", "value": {{quote .type}}, "inline": true}
  ],
  "timestamp": {{quote .timestamp}}
 }]
}`

// Mattermost: https://developers.mattermost.com/integrate/webhooks/incoming and the reference of message attachments.
// fallback is what notifications show.
const mattermost = presetValues + `{
 "text": {{inert .type | quote}},
 "attachments": [{
  "fallback": {{truncate 140 $title | inert | quote}},
  "title": {{truncate 140 $title | inert | quote}},
  "text": {{truncate 3000 $words | inert | quote}},
  "author_name": {{truncate 140 $who | inert | quote}},
  "fields": [
{{- if .ticketId}}
   {"short": true, "title": "Ticket", "value": {{quote .ticketId}}},
{{- end}}
{{- with index $ticket "status"}}
   {"short": true, "title": "Status", "value": {{quote .}}},
{{- end}}
{{- with index $ticket "priority"}}
   {"short": true, "title": "Priority", "value": {{quote .}}},
{{- end}}
   {"short": true, "title": "Event", "value": {{inert .type | quote}}}
  ]
 }]
}`

// Teams: the workflow “Post to a channel when a webhook request is received”, which takes a message with an adaptive
// card (https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams, https://adaptivecards.io/explorer).
// A message has at most 28 kB. The text of a TextRun has no markup.
const teams = presetValues + `{
 "type": "message",
 "attachments": [{
  "contentType": "application/vnd.microsoft.card.adaptive",
  "contentUrl": null,
  "content": {
   "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
   "type": "AdaptiveCard",
   "version": "1.4",
   "body": [
    {"type": "RichTextBlock", "inlines": [
     {"type": "TextRun", "text": {{truncate 200 $title | quote}}, "weight": "Bolder", "size": "Medium"}]},
{{- if $who}}
    {"type": "RichTextBlock", "inlines": [
     {"type": "TextRun", "text": {{truncate 200 $who | quote}}, "isSubtle": true}]},
{{- end}}
{{- if $words}}
    {"type": "RichTextBlock", "inlines": [
     {"type": "TextRun", "text": {{truncate 3000 $words | quote}}}]},
{{- end}}
    {"type": "FactSet", "facts": [
{{- if .ticketId}}
     {"title": "Ticket", "value": {{quote .ticketId}}},
{{- end}}
{{- with index $ticket "status"}}
     {"title": "Status", "value": {{quote .}}},
{{- end}}
{{- with index $ticket "priority"}}
     {"title": "Priority", "value": {{quote .}}},
{{- end}}
     {"title": "Event", "value": {{quote .type}}}
    ]}
   ]
  }
 }]
}`

// A flat object, as the mapping screens of CRMs and of automation services like it: every field is always there.
const genericCRM = presetValues + `{
 "event_id": {{quote .id}},
 "event_type": {{quote .type}},
 "occurred_at": {{quote .timestamp}},
 "ticket_id": {{json .ticketId}},
 "event_number": {{json .number}},
 "ticket_title": {{json (index $ticket "title")}},
 "ticket_status": {{json (index $ticket "status")}},
 "ticket_priority": {{json (index $ticket "priority")}},
 "external_id": {{json (index $ticket "externalId")}},
 "message_id": {{json (index $message "messageId")}},
 "message_text": {{json (index $message "text")}},
 "sender_name": {{json (index $message "sender" "name")}},
 "actor_kind": {{json (index .data "actor" "kind")}},
 "actor_id": {{json (index .data "actor" "id")}},
 "actor_name": {{json (index .data "actor" "name")}}
}`
