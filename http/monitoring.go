package httpedge

import (
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// How the desk does: numbers of now, and of the last hour, day and week, which the nodes keep themselves.

// Outcomes counts what succeeded and what did not.
type Outcomes struct {
	OK     int64 `json:"ok" example:"120"`
	Failed int64 `json:"failed" example:"1"`
}

// Answers counts the API's answers.
type Answers struct {
	OK      int64 `json:"ok" doc:"Answered with 2xx or 3xx." example:"940"`
	Refused int64 `json:"refused" doc:"Answered with 4xx." example:"12"`
	Failed  int64 `json:"failed" doc:"Answered with 5xx." example:"0"`
}

// Traffic counts what the desk did in a time.
type Traffic struct {
	Updates         int64    `json:"updates" doc:"Updates from Telegram." example:"310"`
	Messages        int64    `json:"messages" doc:"Messages accepted into tickets." example:"121"`
	Copies          Outcomes `json:"copies" doc:"Copies of messages in other topics: posted, or given up."`
	Calls           Outcomes `json:"calls" doc:"Calls to Telegram. One that failed may have been made again."`
	Events          int64    `json:"events" doc:"Events that happened." example:"140"`
	WebhookAttempts Outcomes `json:"webhookAttempts" doc:"Attempts to deliver an event."`
	APIRequests     Answers  `json:"apiRequests"`
	Downloads       Outcomes `json:"downloads" doc:"Files: stored, or not. One that failed may have been tried again."`
}

// TrafficPoint is what the desk did in one step.
type TrafficPoint struct {
	At view.Time `json:"at" doc:"When the step begins."`
	Traffic
}

// Throughput is what the desk did over a time.
type Throughput struct {
	From        view.Time      `json:"from"`
	To          view.Time      `json:"to"`
	StepSeconds int64          `json:"stepSeconds" doc:"How long the step of a point is." example:"60"`
	Total       Traffic        `json:"total" doc:"All points together."`
	Points      []TrafficPoint `json:"points" nullable:"false" doc:"One for each step, in order. The last step is not over."`
}

// Durations says how long something took.
type Durations struct {
	Count int64    `json:"count" doc:"How often it happened." example:"120"`
	P50   *float64 `json:"p50" doc:"Milliseconds that half of them took at most, estimated. null: it did not happen." example:"41.5"`
	P95   *float64 `json:"p95" doc:"The same for 95 of 100." example:"180"`
	P99   *float64 `json:"p99" doc:"The same for 99 of 100." example:"420"`
}

// Latencies says how long things took.
type Latencies struct {
	Sync            Durations `json:"sync" doc:"From the arrival of a message until Telegram has its copy."`
	Updates         Durations `json:"updates" doc:"Until an update of Telegram was accepted."`
	Calls           Durations `json:"calls" doc:"Calls to Telegram."`
	APIRequests     Durations `json:"apiRequests" doc:"Requests to the API, without those that wait for events."`
	WebhookAttempts Durations `json:"webhookAttempts" doc:"Attempts to deliver an event that were answered."`
	Events          Durations `json:"events" doc:"From what happened until its event could be read."`
	StorageReads    Durations `json:"storageReads"`
	StorageWrites   Durations `json:"storageWrites" doc:"Until what was written was safe."`
	Commits         Durations `json:"commits" doc:"Of SQLite, each for all writes that waited. MongoDB has none of its own."`
}

// LatencyPoint says how long things took in one step.
type LatencyPoint struct {
	At view.Time `json:"at" doc:"When the step begins."`
	Latencies
}

// Latency says how long things took over a time.
type Latency struct {
	From        view.Time      `json:"from"`
	To          view.Time      `json:"to"`
	StepSeconds int64          `json:"stepSeconds" doc:"How long the step of a point is." example:"60"`
	Total       Latencies      `json:"total" doc:"All points together."`
	Points      []LatencyPoint `json:"points" nullable:"false" doc:"One for each step, in order. The last step is not over."`
}

// Overview is how the desk does now.
type Overview struct {
	At       view.Time       `json:"at" doc:"Of when the numbers are. They may be half a minute old."`
	Tickets  TicketCounts    `json:"tickets"`
	Groups   GroupCounts     `json:"groups"`
	Work     Work            `json:"work"`
	Webhooks WebhookLateness `json:"webhooks"`
	LastHour Traffic         `json:"lastHour"`
	Latency  Latencies       `json:"latency" doc:"Of the last hour."`
}

// TicketCounts counts tickets.
type TicketCounts struct {
	Open    int64 `json:"open" example:"42"`
	Pending int64 `json:"pending" example:"3"`
	Closed  int64 `json:"closed" example:"1204"`
}

// GroupCounts counts groups, and private chats, in which something waits.
type GroupCounts struct {
	Behind int64 `json:"behind" doc:"Copies wait there for more than 5 seconds." example:"1"`
	Slowed int64 `json:"slowed" doc:"Telegram has slowed the bot down there." example:"0"`
	Held   int64 `json:"held" doc:"Copies wait there because the bot may not write." example:"0"`
	LagMs  int64 `json:"lagMs" doc:"How long the oldest copy of all has waited. 0: none waits." example:"7200"`
}

// Work is what the nodes have in hand.
type Work struct {
	Entities         int64 `json:"entities" doc:"Tickets, links, chats and so on in memory." example:"1204"`
	MailboxMessages  int64 `json:"mailboxMessages" doc:"Messages that wait for an entity. Many for long: CPU or storage is too slow." example:"0"`
	OperationsQueued int64 `json:"operationsQueued" doc:"Calls to Telegram that wait for their turn." example:"12"`
	CallsUnderWay    int64 `json:"callsUnderWay" example:"1"`
	MemoryBytes      int64 `json:"memoryBytes" doc:"What is live of the nodes' memory." example:"34000000"`
}

// WebhookLateness is how far endpoints are behind.
type WebhookLateness struct {
	OldestPendingSeconds float64 `json:"oldestPendingSeconds" doc:"How long the oldest event has waited that is being delivered. 0: none waits." example:"0"`
}

const (
	aboutDesk = " A key that is bound to a group does not see what concerns the whole desk."
	// overviewFresh is how old what the overview shows may be: a node tells every 15 seconds.
	overviewFresh = 2 * time.Minute
)

func (a *API) monitoringOperations() {
	traffic := Traffic{Updates: 310, Messages: 121, Copies: Outcomes{OK: 120, Failed: 1}, Calls: Outcomes{OK: 180, Failed: 2}, Events: 140,
		WebhookAttempts: Outcomes{OK: 138}, APIRequests: Answers{OK: 940, Refused: 12}, Downloads: Outcomes{OK: 9}}
	took := func(n int64, p50, p95, p99 float64) Durations {
		return Durations{Count: n, P50: &p50, P95: &p95, P99: &p99}
	}
	times := Latencies{Sync: took(120, 41.5, 180, 420), Updates: took(310, 3.1, 9, 24), Calls: took(182, 38, 140, 390),
		APIRequests: took(952, 1.4, 6, 22), WebhookAttempts: took(138, 13, 52, 96), Events: took(140, 9, 24, 60),
		StorageReads: took(4200, .09, .4, 1.2), StorageWrites: took(1300, 4, 11, 24), Commits: took(900, 3, 9, 20)}
	begin, end := view.ExampleTime, view.Time{Time: view.ExampleTime.Add(time.Minute)}
	register(a, op{
		id: "getOverview", method: http.MethodGet, path: "/monitoring/overview",
		tag: tagMonitoring, summary: "See how the desk does", scope: messages.ScopeMonitoringRead,
		description: "Returns the numbers of now, of all nodes together, and those of the last hour." + aboutDesk,
		answer: Overview{At: end, Tickets: TicketCounts{Open: 42, Pending: 3, Closed: 1204}, Groups: GroupCounts{Behind: 1, LagMs: 7200},
			Work: Work{Entities: 1204, OperationsQueued: 12, CallsUnderWay: 1, MemoryBytes: 34_000_000}, LastHour: traffic, Latency: times},
	}, a.getOverview)
	register(a, op{
		id: "getThroughput", method: http.MethodGet, path: "/monitoring/throughput",
		tag: tagMonitoring, summary: "See how much the desk does", scope: messages.ScopeMonitoringRead,
		description: "Returns how much was done in the last hour, day or 7 days, in points for a chart." + aboutDesk,
		answer:      Throughput{From: begin, To: end, StepSeconds: 60, Total: traffic, Points: []TrafficPoint{{begin, traffic}}},
	}, a.getThroughput)
	register(a, op{
		id: "getLatency", method: http.MethodGet, path: "/monitoring/latency",
		tag: tagMonitoring, summary: "See how fast the desk is", scope: messages.ScopeMonitoringRead,
		description: "Returns how long things took in the last hour, day or 7 days, in points for a chart. The percentiles are " +
			"estimated from a dozen classes of durations, as Prometheus does." + aboutDesk,
		answer: Latency{From: begin, To: end, StepSeconds: 60, Total: times, Points: []LatencyPoint{{begin, times}}},
	}, a.getLatency)
}
