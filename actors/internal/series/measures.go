package series

import (
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/topicdesk/topicdesk/messages"
)

// How gauges are put together.
const (
	added   = iota // over nodes; within a span the last one counts
	highest        // over nodes and time
	latest         // each node sees the same: the last one counts
)

// measure is one metric that is kept, under a name of messages.Measured.
type measure struct {
	name   string
	family string                             // its name at /metrics
	by     string                             // the label that is kept; "": none
	gauge  int                                // how gauges are put together
	as     func(value string) string          // what becomes of the label's value; nil: it stays
	only   func(labels []*dto.LabelPair) bool // nil: all series
}

var measures = []measure{
	{name: messages.MeasuredUpdates, family: "topicdesk_updates_total", by: "outcome"},
	{name: messages.MeasuredMessages, family: "topicdesk_messages_recorded_total"},
	{name: messages.MeasuredCopies, family: "topicdesk_copies_total", by: "outcome"},
	{name: messages.MeasuredCalls, family: "topicdesk_operations_total", by: "outcome"},
	{name: messages.MeasuredEvents, family: "topicdesk_events_logged_total"},
	{name: messages.MeasuredAttempts, family: "topicdesk_webhook_attempts_total", by: "outcome"},
	{name: messages.MeasuredRequests, family: "topicdesk_api_requests_total", by: "status", as: classOf},
	{name: messages.MeasuredDownloads, family: "topicdesk_downloads_total", by: "outcome"},
	{name: messages.MeasuredPanics, family: "topicdesk_entity_panics_total"},
	{name: messages.MeasuredRefused, family: "topicdesk_commands_refused_total"},

	{name: messages.MeasuredSyncTime, family: "topicdesk_sync_latency_seconds"},
	{name: messages.MeasuredUpdateTime, family: "topicdesk_update_handle_seconds"},
	{name: messages.MeasuredCallTime, family: "topicdesk_call_seconds"},
	{name: messages.MeasuredAttemptTime, family: "topicdesk_webhook_attempt_seconds"},
	{name: messages.MeasuredRequestTime, family: "topicdesk_api_seconds", only: answersAtOnce},
	{name: messages.MeasuredStorageTime, family: "topicdesk_storage_seconds", by: "kind"},
	{name: messages.MeasuredCommitTime, family: "topicdesk_storage_commit_seconds"},
	{name: messages.MeasuredEventTime, family: "topicdesk_event_age_seconds"},

	{name: messages.MeasuredTickets, family: "topicdesk_tickets", by: "status", gauge: latest},
	{name: messages.MeasuredEntities, family: "topicdesk_entities", gauge: added},
	{name: messages.MeasuredMailbox, family: "topicdesk_mailbox_messages", gauge: added},
	{name: messages.MeasuredQueued, family: "topicdesk_operations_queued", gauge: added},
	{name: messages.MeasuredInFlight, family: "topicdesk_operations_under_way", gauge: added},
	{name: messages.MeasuredBehind, family: "topicdesk_chats_behind", gauge: added},
	{name: messages.MeasuredSlowed, family: "topicdesk_chats_slowed", gauge: added},
	{name: messages.MeasuredHeld, family: "topicdesk_chats_held", gauge: added},
	{name: messages.MeasuredLag, family: "topicdesk_chat_lag_max_seconds", gauge: highest},
	{name: messages.MeasuredBacklogAge, family: "topicdesk_webhook_backlog_age_max_seconds", gauge: highest},
	{name: messages.MeasuredMemory, family: "go_gc_heap_live_bytes", gauge: added},
}

// Families lists the metrics that are kept.
func Families() (all []string) {
	for i := range measures {
		all = append(all, measures[i].family)
	}
	return all
}

// gauges says how the gauges of a name are put together.
var gauges = func() map[string]int {
	all := map[string]int{}
	for i := range measures {
		all[measures[i].name] = measures[i].gauge
	}
	return all
}()

func gaugeOf(name string) int {
	name, _, _ = strings.Cut(name, "/")
	return gauges[name]
}

func classOf(status string) string { return status[:min(1, len(status))] + "xx" }

// answersAtOnce leaves out the operations that wait for something to happen, as long as who asks wants.
func answersAtOnce(labels []*dto.LabelPair) bool {
	switch labelOf(labels, "operation") {
	case "listFeed", "streamFeed":
		return false
	}
	return true
}

func labelOf(labels []*dto.LabelPair, name string) string {
	for _, l := range labels {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
