package etcdtest

import (
	"net"
	"strconv"
	"testing"

	protocluster "github.com/asynkron/protoactor-go/cluster"

	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// Owner says which node has an entity while those at these addresses are the members of a cluster.
func Owner(t testing.TB, nodes []string, kind, identity string) string {
	t.Helper()
	var members protocluster.Members
	for _, addr := range nodes {
		host, digits, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, &protocluster.Member{Id: addr, Host: host, Port: int32(port), Kinds: []string{"shard"}})
	}
	owner := cluster.Place(members)[entity.ShardNumber(kind, identity)]
	if owner == "" {
		t.Fatal("nobody has a shard")
	}
	return owner
}
