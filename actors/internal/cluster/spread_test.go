package cluster_test

import (
	"strconv"
	"testing"

	protocluster "github.com/asynkron/protoactor-go/cluster"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// TestTicketsSpreadEvenly: of 10,000 tickets no node of three has more than 1.25 times its part, at addresses as people give
// them: those of deploy/, of the pages, and of some networks.
func TestTicketsSpreadEvenly(t *testing.T) {
	const tickets, most = 10_000, 1.25
	for name, addrs := range map[string][]string{
		"compose":      {"topicdesk1", "topicdesk2", "topicdesk3"},
		"Kubernetes":   {"topicdesk-0.topicdesk-nodes", "topicdesk-1.topicdesk-nodes", "topicdesk-2.topicdesk-nodes"},
		"10.0.0.1":     {"10.0.0.1", "10.0.0.2", "10.0.0.3"},
		"192.168.1.11": {"192.168.1.11", "192.168.1.12", "192.168.1.13"},
		"three racks":  {"10.42.1.17", "10.42.2.5", "10.42.3.140"},
		"this machine": {"127.0.0.1", "127.0.0.2", "127.0.0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := protocluster.Members{}
			for i, addr := range addrs {
				nodes = append(nodes, &protocluster.Member{Id: strconv.Itoa(i), Host: addr, Port: 7070, Kinds: []string{"shard"}})
			}
			owners := protocluster.NewRendezvous() // as onTopology, and disthash
			owners.UpdateMembers(nodes)
			has := map[string]int{}
			for i := range tickets {
				id := messages.TicketID("command "+strconv.Itoa(i), int64(i)*1000)
				shard := entity.ShardNumber(messages.KindTicket, id)
				has[owners.GetByClusterIdentity(protocluster.NewClusterIdentity(strconv.Itoa(shard), "shard"))]++
			}
			largest := 0
			for _, n := range has {
				largest = max(largest, n)
			}
			mean := float64(tickets) / float64(len(addrs))
			t.Logf("%.2f: %v", float64(largest)/mean, has)
			if len(has) != len(addrs) || float64(largest) > most*mean {
				t.Errorf("the largest node has %d of %d tickets", largest, tickets)
			}
		})
	}
}
