package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/config"
	httpedge "github.com/topicdesk/topicdesk/http"
)

// exitFenced is the status with which a node ends that must not go on. A supervisor starts it again.
const exitFenced = 3

// drainFor is how long a node of a cluster serves on while it says that it is not ready, so that balancers send it nothing
// when it stops.
const drainFor = 2 * time.Second

// updateWithin is how long Telegram waits for the answer to an update, while the part of the desk that it is for moves to
// another node. Then it asks again.
const updateWithin = 2 * time.Second

// drain has a node of a cluster serve on for a while before it stops.
func (a *App) drain(server *httpedge.Server) {
	if !a.Config.Clustered() {
		return
	}
	a.Log.Info("draining: this node is not ready any more, and serves on for a while", "for", drainFor)
	server.Unready()
	time.Sleep(drainFor)
}

// errDrained is why a node stops that was asked to leave by "topicdesk cluster drain".
var errDrained = errors.New("asked to leave the cluster")

// cluster is what makes this node one of several; nil: it is alone. It gives up joining when ctx ends.
func (a *App) cluster(ctx context.Context) *actors.ClusterOptions {
	if !a.Config.Clustered() {
		return nil
	}
	options := clusterOptions(a.Config)
	options.GiveUp = ctx
	options.Drain = func() { a.leave(errDrained) }
	options.Fenced = func(reason string) {
		// Nothing is stopped in order: other nodes do the work already, and each write of ours would disturb them.
		a.Log.Error("fenced: this process ends, and a new one may start", "reason", reason)
		os.Exit(exitFenced)
	}
	return options
}

// clusterOptions are what a program needs to reach the cluster.
func clusterOptions(c config.Config) *actors.ClusterOptions {
	options := &actors.ClusterOptions{
		Name: c.ClusterName, Addr: c.ClusterAddr,
		Etcd: actors.ClusterEtcd{Endpoints: c.EtcdEndpoints, Username: c.EtcdUsername, Password: c.EtcdPassword.Reveal(),
			Cert: c.EtcdTLSCert, Key: c.EtcdTLSKey, CA: c.EtcdTLSCA},
	}
	if c.ClusterTLSCert != "" {
		options.TLS = &actors.ClusterTLS{Cert: c.ClusterTLSCert, Key: c.ClusterTLSKey, CA: c.ClusterTLSCA}
	}
	return options
}

func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Show the nodes of a desk, or have one leave",
	}
	cmd.AddCommand(clusterStatusCommand(), clusterDrainCommand())
	return cmd
}

func clusterStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the nodes with what each has, as the node of these settings sees them",
		Long:  "Show the nodes with what each has, as the service at HTTP_ADDR sees them, on this machine or in this container.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := loadSettings(ofService)
			if err != nil {
				return err
			}
			state, err := askReady(cmd.Context(), settings.HTTPAddr, "?verbose")
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"nodes": state.Nodes})
			}
			return printNodes(cmd.OutOrStdout(), state.Nodes)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printNodes prints a table of the nodes.
func printNodes(to io.Writer, nodes []httpedge.Node) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NODE\tSINCE\tSHARDS\tENTITIES\tCALLS/S\tLEASES\tVERSION")
	for _, n := range nodes {
		if n.Trouble != nil {
			_, _ = fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t%s\n", n.Addr, *n.Trouble)
			continue
		}
		var leases []string
		for _, l := range n.Leases {
			leases = append(leases, fmt.Sprintf("%s (epoch %d)", l.Entity, l.Epoch))
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", cmp.Or(n.Addr, "(alone)"), n.Since.UTC().Format(time.DateTime+" MST"), n.Shards,
			n.Entities, n.CallsPerSecond, cmp.Or(strings.Join(leases, ", "), "-"), n.Version)
	}
	return w.Flush()
}

// drainWithin is how long a node may take to leave.
const drainWithin = 30 * time.Second

func clusterDrainCommand() *cobra.Command {
	var node string
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Have a running node hand its work over and end; a supervisor may start it again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := loadSettings(ofNodes)
			if err != nil {
				return err
			}
			if !settings.Clustered() {
				return errors.New("CLUSTER_PROVIDER is single: this desk has one node, which stops on SIGTERM")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), drainWithin)
			defer cancel()
			addr := cmp.Or(node, settings.ClusterAddr)
			if err := actors.DrainNode(ctx, *clusterOptions(settings), addr); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), addr+" has left")
			return err
		},
	}
	cmd.Flags().StringVar(&node, "node", "", "CLUSTER_ADDR of the node; the one of these settings if left out")
	return cmd
}
