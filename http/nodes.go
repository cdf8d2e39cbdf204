package httpedge

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Node is one of the processes that share the desk.
type Node struct {
	Addr           string     `json:"addr" doc:"Its CLUSTER_ADDR. Empty: the desk runs on this node alone." example:"10.0.0.1:7070"`
	Since          *view.Time `json:"since" doc:"Since when it runs. null: it did not answer."`
	Version        string     `json:"version" doc:"The version of its program."`
	Shards         int64      `json:"shards" doc:"How many of the 256 shards it has: parts of the desk, which move when nodes come and go."`
	Entities       int64      `json:"entities" doc:"How many tickets, links, chats and so on are in its memory."`
	CallsPerSecond int64      `json:"callsPerSecond" doc:"Its share of TELEGRAM_GLOBAL_PER_SECOND, the calls to Telegram that all nodes together may make per second. The shares follow what the nodes have to send. 0 without that limit."`
	Polls          bool       `json:"polls" doc:"Whether it asks Telegram for updates. One node does, in polling mode."`
	Leases         []Lease    `json:"leases" doc:"What the desk has once, and this node has now."`
	Trouble        *string    `json:"trouble" doc:"Why nothing else is known of it. null: it answered."`
}

// Lease says that something which the desk has once is on a node.
type Lease struct {
	Entity string    `json:"entity" doc:"What it is: poller/ and the bot's id receives Telegram's updates in polling mode; budget/telegram shares out the calls per second; monitor/desk keeps errors and problems." example:"poller/7000000001"`
	Epoch  int64     `json:"epoch" doc:"Its fencing number, which grows with each owner. Storage refuses what an owner with a smaller one writes." example:"12"`
	Since  view.Time `json:"since" doc:"Since when this node has it."`
}

// Nodes lists the nodes of the desk.
type Nodes struct {
	Nodes []Node `json:"nodes"`
}

func (a *API) nodeOperations() {
	since := view.Time{Time: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)}
	register(a, op{
		id: "listNodes", method: http.MethodGet, path: "/monitoring/nodes",
		tag: tagNodes, summary: "List the nodes of the desk", scope: messages.ScopeAdmin,
		description: "Lists the processes that share this desk, sorted by address, as the node that answers sees them. A desk " +
			"on one node has one.",
		answer: Nodes{Nodes: []Node{{Addr: "10.0.0.1:7070", Since: &since, Version: "1.4.0", Shards: 91, Entities: 1204,
			CallsPerSecond: 28, Polls: true, Leases: []Lease{{Entity: "poller/7000000001", Epoch: 12, Since: since}}}}},
	}, a.listNodes)
}

type nodesOutput struct {
	Body Nodes
}

func (a *API) listNodes(ctx context.Context, c *call, _ *struct{}) (*nodesOutput, error) {
	if err := seesNodes(c); err != nil {
		return nil, err
	}
	return &nodesOutput{Body: Nodes{Nodes: nodesOf(a.desk.Nodes(ctx))}}, nil
}

// seesNodes returns an error unless a key, which has the scope, may see the nodes.
func seesNodes(c *call) error {
	if c.key.GroupId != "" {
		return problem(codeScopeMissing, "A key that is bound to a group does not see the nodes.")
	}
	return nil
}

func nodesOf(all []*messages.NodeStatus) []Node {
	nodes := make([]Node, len(all))
	for i, n := range all {
		nodes[i] = Node{Addr: n.Addr, Version: n.Version, Shards: n.Shards, Entities: n.Entities,
			CallsPerSecond: n.CallsPerSecond, Polls: n.Polls, Leases: make([]Lease, len(n.Leases))}
		for j, l := range n.Leases {
			nodes[i].Leases[j] = Lease{Entity: l.Entity, Epoch: l.Epoch, Since: view.At(l.SinceMs)}
		}
		if n.Trouble != "" {
			nodes[i].Trouble = &n.Trouble
		} else {
			since := view.At(n.SinceMs)
			nodes[i].Since = &since
		}
	}
	return nodes
}

// fromHere says whether a request comes from a program on this machine, and not through a proxy that runs here.
func fromHere(c *fiber.Ctx) bool {
	ip := c.Context().RemoteIP()
	forwarded := c.Get(fiber.HeaderXForwardedFor) + c.Get("Forwarded") + c.Get("X-Real-Ip") + c.Get(fiber.HeaderVia)
	return strings.TrimSpace(forwarded) == "" && (ip.IsLoopback() || ip.Equal(c.Context().LocalIP()))
}
