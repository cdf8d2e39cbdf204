package httpedge

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Node is one of the processes that share the desk.
type Node struct {
	Addr           string     `json:"addr" doc:"Its CLUSTER_ADDR. Empty: the desk runs on this node alone." example:"10.0.0.1:7070"`
	Since          *time.Time `json:"since" doc:"Since when it runs. null: it did not answer."`
	Version        string     `json:"version" doc:"The version of its program."`
	Shards         int64      `json:"shards" doc:"How many of the 256 shards it has: parts of the desk, which move when nodes come and go."`
	Entities       int64      `json:"entities" doc:"How many tickets, links, chats and so on are in its memory."`
	CallsPerSecond int64      `json:"callsPerSecond" doc:"Its share of the calls to Telegram that all nodes may make per second."`
	Polls          bool       `json:"polls" doc:"Whether it asks Telegram for updates. One node does, in polling mode."`
	Trouble        *string    `json:"trouble" doc:"Why nothing else is known of it. null: it answered."`
}

// Nodes lists the nodes of the desk.
type Nodes struct {
	Nodes []Node `json:"nodes"`
}

func (a *API) nodeOperations() {
	since := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	register(a, op{
		id: "listNodes", method: http.MethodGet, path: "/monitoring/nodes",
		tag: tagNodes, summary: "List the nodes of the desk", scope: messages.ScopeAdmin,
		description: "Lists the processes that share this desk, sorted by address, as the node that answers sees them. A desk " +
			"on one node has one.",
		answer: Nodes{Nodes: []Node{{Addr: "10.0.0.1:7070", Since: &since, Version: "1.4.0", Shards: 91, Entities: 1204,
			CallsPerSecond: 28, Polls: true}}},
	}, a.listNodes)
}

type nodesOutput struct {
	Body Nodes
}

func (a *API) listNodes(ctx context.Context, c *call, _ *struct{}) (*nodesOutput, error) {
	if c.key.GroupId != "" {
		return nil, problem(codeScopeMissing, "A key that is bound to a group does not see the nodes.")
	}
	return &nodesOutput{Body: Nodes{Nodes: nodesOf(a.desk.Nodes(ctx))}}, nil
}

func nodesOf(all []*messages.NodeStatus) []Node {
	nodes := make([]Node, len(all))
	for i, n := range all {
		nodes[i] = Node{Addr: n.Addr, Version: n.Version, Shards: n.Shards, Entities: n.Entities,
			CallsPerSecond: n.CallsPerSecond, Polls: n.Polls}
		if n.Trouble != "" {
			nodes[i].Trouble = &n.Trouble
		} else {
			since := time.UnixMilli(n.SinceMs).UTC()
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
